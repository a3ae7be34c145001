import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { opSummary, shownOp } from '../../../lib/views/job.ts';
import { TestCluster } from '../../helpers/cluster.ts';

describe('a request that gives a name and a uuid', () => {
  let cluster: TestCluster;
  const create: OpInput = {
    OP_ID: 'OP_INSTANCE_CREATE',
    instance_name: 'web.example.com',
    mode: 'create',
    disk_template: 'diskless',
    disks: [],
    nics: [],
    os_type: 'noop',
    pnode: 'node1',
    start: false,
  };
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.done(create);
  });
  after(() => cluster.close());

  const wrong: OpInput[] = [
    { ...create, instance_name: 'new.example.com', pnode_uuid: randomUUID() },
    { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'web', instance_uuid: randomUUID() },
    { OP_ID: 'OP_INSTANCE_REMOVE', instance_name: 'web.example.com', instance_uuid: randomUUID() },
    { OP_ID: 'OP_NODE_SET_PARAMS', node_name: 'node2', node_uuid: randomUUID(), drained: true },
    { OP_ID: 'OP_INSTANCE_MOVE', instance_name: 'web', target_node: 'node2', target_node_uuid: randomUUID() },
  ];
  for (const op of wrong)
    it(`is refused when they are not of one object: ${op.OP_ID}`, async () => {
      const before = cluster.store.view;
      const { status, ops } = await cluster.run(op);
      assert.equal(status, 'error');
      assert.equal(ops[0]?.failure?.code, 'resource_not_unique');
      assert.match(ops[0]?.failure?.message ?? '', /has the uuid .*, not .* as \w+_uuid says/);
      assert.deepEqual(cluster.store.view.instances.list(), before.instances.list());
      assert.deepEqual(cluster.store.view.nodes.list(), before.nodes.list());
    });

  it('is done when they are, and its job shows the full name', async () => {
    const uuid = cluster.store.view.instances.named('web.example.com')?.uuid ?? assert.fail();
    const id = await cluster.manager.submit(SYSTEM, [
      { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'web', instance_uuid: uuid },
    ]);
    const job = await cluster.ended(id);
    assert.equal(job.status, 'success');
    assert.deepEqual(
      job.ops.map((op) => [opSummary(op), shownOp(op).instance_name]),
      [['INSTANCE_STARTUP(web.example.com)', 'web.example.com']],
    );
  });
});
