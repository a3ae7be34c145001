import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const group_name = 'rack2';

describe('changing node groups', () => {
  let f: InstanceFixture;
  before(async () => {
    const enabled_disk_templates = diskTemplates.filter((template) => template !== 'rbd');
    f = await InstanceFixture.make({ enabled_disk_templates }, ['node3.example.com']);
    await f.cluster.done({ OP_ID: 'OP_GROUP_ADD', group_name });
  });
  after(() => f.close());

  const group = (name = group_name) => f.cluster.store.view.groups.named(name) ?? assert.fail(name);
  const modify = (over: Record<string, unknown>) => ({ OP_ID: 'OP_GROUP_SET_PARAMS', group_name, ...over });
  const assign = (name: string, ...nodes: string[]) => ({
    OP_ID: 'OP_GROUP_ASSIGN_NODES',
    group_name: name,
    nodes,
  });

  async function field(name: string): Promise<unknown> {
    const { data } = await f.cluster.manager.query(SYSTEM, 'group', [name], ['=', 'name', group_name]);
    return data[0]?.[0]?.[1];
  }

  it('sets parameters, and gives them back to the cluster', async () => {
    const job = await f.cluster.done(
      modify({ ndparams: { spindle_count: 7, ovs: true }, alloc_policy: 'last_resort' }),
    );
    assert.deepEqual(job.ops[0]?.result, [['ndparams', "{'spindle_count': 7, 'ovs': True}"]]);
    assert.equal(group().alloc_policy, 'last_resort');
    assert.equal(((await field('ndparams')) as Record<string, unknown>).spindle_count, 7);
    await f.cluster.done(modify({ ndparams: { spindle_count: 'default' } }));
    assert.deepEqual(group().ndparams, { ovs: true });
    assert.equal(((await field('ndparams')) as Record<string, unknown>).spindle_count, 1);
    await f.cluster.done(modify({ diskparams: { drbd: { 'resync-rate': 1000 } } }));
    await f.cluster.done(modify({ diskparams: { drbd: { metavg: 'vg2' } } }));
    assert.deepEqual(group().diskparams, { drbd: { 'resync-rate': 1000, metavg: 'vg2' } });
  });

  it('keeps a part of the instance policy of its own, and tells who breaks it', async () => {
    await f.cluster.done(assign(group_name, 'node3'), create({ pnode: 'node3' }));
    const job = await f.cluster.done(
      modify({ ipolicy: { 'vcpu-ratio': '3.5', 'disk-templates': ['drbd'] } }),
    );
    assert.match(job.ops[0]?.log[0]?.text ?? '', /violate the new instance policy: web\.example\.com/);
    assert.deepEqual(group().ipolicy, { 'vcpu-ratio': 3.5, 'disk-templates': ['drbd'] });
    await f.cluster.done(modify({ ipolicy: { 'disk-templates': 'default' } }));
    assert.deepEqual(group().ipolicy, { 'vcpu-ratio': 3.5 });
    await f.cluster.done(modify({ ipolicy: { 'disk-templates': ['drbd'], 'spindle-ratio': 2 } }));
    await f.cluster.done(modify({ ipolicy: { 'disk-templates': ['default'], 'spindle-ratio': null } }));
    assert.deepEqual(group().ipolicy, { 'vcpu-ratio': 3.5 });
    const policy = (await field('ipolicy')) as Record<string, unknown>;
    assert.deepEqual([policy['vcpu-ratio'], policy['spindle-ratio']], [3.5, 32]);
    await f.remove();
    await f.cluster.done(assign('default', 'node3'));
  });

  it('refuses what is not right', async () => {
    await f.refuses(modify({}), 'wrong_input', /Nothing is to be changed/);
    await f.refuses(modify({ ndparams: { nosuch: 1 } }), 'type_enforcement', /nosuch/);
    await f.refuses(modify({ diskparams: { file: { metavg: 'x' } } }), 'type_enforcement', /metavg/);
    await f.refuses(modify({ ipolicy: { std: {} } }), 'wrong_input', /The instance policy is not right/);
    await f.refuses(modify({ ipolicy: { 'vcpu-ratio': 0.5 } }), 'wrong_input', /vcpu-ratio/);
    await f.refuses(
      modify({ ipolicy: { 'disk-templates': ['rbd'] } }),
      'wrong_input',
      /allows rbd; the cluster has only/,
    );
    await f.refuses(modify({ hv_state: { fake: {} } }), 'wrong_input', /not supported/);
    await f.refuses(
      { ...modify({ alloc_policy: 'preferred' }), group_name: 'nosuch' },
      'not_found',
      /nosuch/,
    );
    const rename = (new_name: string, name = group_name) => ({
      OP_ID: 'OP_GROUP_RENAME',
      group_name: name,
      new_name,
    });
    await f.refuses(rename('default'), 'already_exists', /There is a node group 'default' already/);
    await f.refuses(rename('a b'), 'wrong_input', /cannot be the name of a node group/);
    await f.refuses(rename('x', 'nosuch'), 'not_found', /nosuch/);
    await f.refuses(assign(group_name, 'node9'), 'not_found', /node9/);
  });

  it('renames a group, known by name or uuid', async () => {
    const { uuid } = group();
    const job = await f.cluster.done({ OP_ID: 'OP_GROUP_RENAME', group_name: uuid, new_name: 'rack9' });
    assert.equal(job.ops[0]?.result, 'rack9');
    assert.equal(group('rack9').uuid, uuid);
    await f.cluster.done({ OP_ID: 'OP_GROUP_RENAME', group_name: 'rack9', new_name: group_name });
  });

  it('does not split the two sides of mirrored disks between groups unless forced', async () => {
    await f.cluster.done(create({ disk_template: 'drbd', snode: 'node2' }));
    await f.refuses(
      assign(group_name, 'node2'),
      'execution',
      new RegExp(`disks in two groups: ${instance_name}`),
    );
    await f.cluster.done({ ...assign(group_name, 'node2'), force: true });
    const job = await f.cluster.done(assign(group_name, 'node1', 'node1.example.com'));
    assert.deepEqual(job.ops[0]?.resolved.node_uuids, [f.cluster.store.view.nodes.list()[0]?.uuid]);
    assert.deepEqual(job.ops[0]?.log, []);
    await f.cluster.done(assign('default', 'node1', 'node2'));
    await f.remove();
  });
});
