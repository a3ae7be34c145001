import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { OpInput } from '../../../lib/model/job.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { diskTarget } from '../../../lib/rpc/target.ts';
import { stateOf } from '../state.ts';
import { InstanceFixture, instance_name } from './fixture.ts';

const [node1, node2] = ['node1.example.com', 'node2.example.com'];

/** A node whose worker has just been started again: it answers calls, and has not told yet what runs there. */
describe('an instance that runs on a node of which nothing is known at the moment', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => f.close());

  const drbd = { disk_template: 'drbd', snode: node2, start: true };

  /** Lets a job fail because a call on a node fails; then all must be as before. */
  async function failsAndChangesNothing(op: OpInput, node: string, call: string): Promise<void> {
    const before = await stateOf(f.cluster);
    const file = join(f.cluster.folder(node), 'faults.json');
    await writeFile(file, JSON.stringify({ [call]: { fail: 'not today', times: 1 } }));
    try {
      f.cluster.runtime.drop(f.instance.primary_node);
      const { status, ops } = await f.cluster.run(op);
      assert.equal(status, 'error', JSON.stringify(ops[0]?.log));
      assert.match(ops[0]?.failure?.message ?? '', /not today/);
    } finally {
      await rm(file, { force: true });
    }
    assert.deepEqual(await stateOf(f.cluster), before);
  }

  it('runs again after a failover that failed', () =>
    f.withInstance(drbd, () =>
      failsAndChangesNothing({ OP_ID: 'OP_INSTANCE_FAILOVER', instance_name }, node2, 'instance.start'),
    ));

  it('runs again after a removal that failed before the first disk was gone', () =>
    f.withInstance({ start: true }, () =>
      failsAndChangesNothing({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name }, node1, 'disk.remove'),
    ));

  it('keeps its disks when it cannot be started a second time', () =>
    f.withInstance(drbd, async () => {
      const op = { OP_ID: 'OP_INSTANCE_STARTUP', instance_name };
      await failsAndChangesNothing(op, node1, 'instance.start');
      const [disk] = f.cluster.store.view.disksOf(f.instance);
      const node = f.cluster.store.view.nodes.named(node1) ?? assert.fail();
      const { disks } = await f.cluster.tools.nodes.call(node, 'disk.status', {
        disks: [diskTarget(disk ?? assert.fail())],
      });
      assert.equal(disks[0]?.active, true);
    }));

  it('is shut down for its export, and started again', () =>
    f.withInstance({ start: true }, async () => {
      f.cluster.runtime.drop(f.instance.primary_node);
      const op = { OP_ID: 'OP_BACKUP_EXPORT', instance_name, target_node: node2, shutdown: true };
      const job = await f.cluster.done(op);
      const lines = job.ops[0]?.log.map(({ text }) => text) ?? [];
      assert.ok(lines.includes('Waiting up to 120 s for the guest to shut down'), lines.join('\n'));
      assert.equal(f.cluster.runtime.guest(f.instance.primary_node, f.instance)?.state, 'running');
      await f.cluster.done({ OP_ID: 'OP_BACKUP_REMOVE', instance_name });
    }));
});
