import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const [node1, node2] = ['node1.example.com', 'node2.example.com'];

describe('the storage of nodes', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: ['file', 'plain', 'drbd', 'diskless'] });
  });
  after(() => f.close());

  const query = (over: Record<string, unknown>): OpInput => ({
    ...{ OP_ID: 'OP_NODE_QUERY_STORAGE', output_fields: ['node', 'type', 'name'] },
    ...over,
  });
  const listed = async (over: Record<string, unknown>) =>
    (await f.cluster.done(query(over))).ops[0]?.result as unknown[][];

  it('is listed by nodes: folders, with what they hold', async () => {
    const folder = f.cluster.store.view.cluster.file_storage_dir;
    assert.deepEqual(await listed({}), [
      [node1, 'file', folder],
      [node2, 'file', folder],
    ]);
    const fields = ['size', 'used', 'free', 'allocatable'];
    const [row] = await listed({ storage_type: 'file', nodes: ['node2'], output_fields: fields });
    const [size, used, free, allocatable] = row as [number, number, number, boolean];
    assert.ok(size > free && free > 0 && used >= 0 && allocatable);
    assert.deepEqual(await listed({ storage_type: 'file', name: '/elsewhere' }), []);
  });

  it('is listed by nodes: volume groups and their physical volumes', async () => {
    const { exists } = await f.volume(node1, ['vg2', 'data'], 5);
    assert.ok(await exists());
    const fields = ['name', 'used'];
    assert.deepEqual(await listed({ storage_type: 'lvm-vg', nodes: [node1], output_fields: fields }), [
      ['vg2', 5],
      ['xenvg', 0],
    ]);
    assert.deepEqual(await listed({ storage_type: 'lvm-pv', nodes: [node2] }), [
      [node2, 'lvm-pv', '/dev/simulated/xenvg'],
    ]);
  });

  it('tells of the nodes that answer', async () => {
    await f.withNode(node2, { offline: true }, async () =>
      assert.deepEqual(
        (await listed({})).map(([node]) => node),
        [node1],
      ),
    );
  });

  it('can be told to take nothing new', async () => {
    const change = (changes: Record<string, unknown>, over: Record<string, unknown> = {}): OpInput => ({
      ...{ OP_ID: 'OP_NODE_MODIFY_STORAGE', node_name: node1, storage_type: 'lvm-pv' },
      ...{ name: '/dev/simulated/xenvg', changes },
      ...over,
    });
    const allocatable = async () =>
      (
        await listed({ storage_type: 'lvm-pv', name: '/dev/simulated/xenvg', output_fields: ['allocatable'] })
      ).flat();
    await f.cluster.done(change({ allocatable: false }));
    assert.deepEqual(await allocatable(), [false, true]);
    await f.cluster.done(change({}));
    await f.cluster.done(change({ allocatable: true }));
    assert.deepEqual(await allocatable(), [true, true]);
    await f.refuses(change({ size: 3 }), 'wrong_input', /size cannot be changed/);
    await f.refuses(change({ allocatable: 3 }), 'wrong_input', /true or false/);
    await f.refuses(change({}, { name: '/dev/vdz' }), 'wrong_input', /has no lvm-pv '\/dev\/vdz'/);
    await f.refuses(change({}, { storage_type: 'file' }), 'wrong_input', /only lvm-pv can/);
  });

  it('can be repaired where no mirrored disk has its good data there alone', async () => {
    const repair = (over: Record<string, unknown> = {}): OpInput => ({
      ...{ OP_ID: 'OP_REPAIR_NODE_STORAGE', node_name: node1, storage_type: 'lvm-vg', name: 'xenvg' },
      ...over,
    });
    await f.cluster.done(create({ disk_template: 'drbd', snode: node2, start: true }));
    await f.cluster.done(repair());
    await f.remove();
    await f.refuses(repair({ storage_type: 'file' }), 'wrong_input', /only lvm-vg can/);
    const job = await f.cluster.run(repair({ name: 'nosuch' }));
    assert.match(job.ops[0]?.failure?.message ?? '', /no volume group 'nosuch'/);
  });

  it('is refused for kinds that are not in use, or that nothing is told of', async () => {
    await f.refuses(
      query({ storage_type: 'rados' }),
      'wrong_input',
      /in use are file, lvm-vg, lvm-pv, diskless/,
    );
    await f.refuses(query({ storage_type: 'diskless' }), 'wrong_input', /cannot be listed/);
    await f.refuses(query({ output_fields: ['colour'] }), 'wrong_input', /have no field colour/);
    await f.refuses(query({ nodes: ['nosuch'] }), 'not_found', /nosuch/);
  });

  it('the power of a node: its guests end, those of others do not', async () => {
    const cycle = (node_name: string, force = false) => ({ OP_ID: 'OP_NODE_POWERCYCLE', node_name, force });
    const other = 'db.example.com';
    await f.cluster.done(
      create({ start: true }),
      create({ instance_name: other, pnode: node2, start: true }),
    );
    await f.refuses(cycle(node1), 'wrong_input', /is the master node; give force/);
    const job = await f.cluster.done(cycle(node1, true));
    assert.equal(job.ops[0]?.result, 'Reboot scheduled in 5 seconds');
    const { data } = await f.cluster.manager.query(SYSTEM, 'instance', ['name', 'status'], null);
    assert.deepEqual(
      data.map((row) => row.map((cell) => cell[1])),
      [
        [other, 'running'],
        [instance_name, 'ERROR_down'],
      ],
    );
    await f.remove();
    await f.remove(other);
  });
});
