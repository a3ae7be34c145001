import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { nodeRole } from '../../../lib/model/node.ts';
import { put } from '../../../lib/store/changes.ts';
import { eventually } from '../../helpers/program.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const names = ['node1.example.com', 'node2.example.com', 'node3.example.com', 'node4.example.com'];
const [node1 = '', node2 = '', node3 = '', node4 = ''] = names;

describe('changing nodes', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: ['file', 'drbd', 'diskless'] }, [node3, node4]);
  });
  after(() => f.close());

  const modify = (node_name: string, over: Record<string, unknown>): OpInput => ({
    ...{ OP_ID: 'OP_NODE_SET_PARAMS', node_name },
    ...over,
  });
  const node = (name: string) => f.cluster.store.view.nodes.named(name) ?? assert.fail(name);
  const roles = () => {
    const { view } = f.cluster.store;
    return view.nodes
      .list()
      .map((each) => nodeRole(each, view.cluster.master_node))
      .join('');
  };
  const change = async (name: string, over: Record<string, unknown>) =>
    (await f.cluster.done(modify(name, over))).ops[0]?.result;

  /** Runs with a pool of this size, and these nodes as its master candidates beside the master. */
  async function withPool(
    size: number,
    candidates: readonly string[],
    run: () => Promise<void>,
  ): Promise<void> {
    const { store } = f.cluster;
    await store.commit({ job: null }, (view) => [
      put('cluster', { ...view.cluster, candidate_pool_size: size }),
      ...names.map((name) =>
        put('node', { ...node(name), master_candidate: name === node1 || candidates.includes(name) }),
      ),
    ]);
    try {
      await run();
    } finally {
      await store.commit({ job: null }, (view) => [
        put('cluster', { ...view.cluster, candidate_pool_size: 10 }),
        ...names.map((name) => put('node', { ...node(name), master_candidate: true })),
      ]);
    }
  }

  it('gives a node each role, and tells what differs', async () => {
    assert.equal(roles(), 'MCCC');
    assert.deepEqual(await change(node3, { master_candidate: false }), [['master_candidate', 'False']]);
    assert.deepEqual(await change(node3, { drained: true }), [['drained', 'True']]);
    assert.equal(roles(), 'MCDC');
    assert.deepEqual(await change(node3, { offline: true }), [
      ['drained', 'False'],
      ['offline', 'True'],
    ]);
    assert.equal(roles(), 'MCOC');
    const job = await f.cluster.done(
      modify('node3', { offline: false, drained: false, master_candidate: false }),
    );
    assert.deepEqual(job.ops[0]?.result, [
      ['master_candidate', 'True'],
      ['offline', 'False'],
    ]);
    const { debug_level, ...resolved } = job.ops[0]?.resolved ?? {};
    assert.deepEqual(resolved, {
      ...{ node_name: node3, node_uuid: node(node3).uuid },
      ...{ master_candidate: true, drained: null },
    });
    assert.equal(roles(), 'MCCC');
    assert.deepEqual(await change(node3, { master_candidate: true }), []);
  });

  it('makes a node a candidate again when the pool wants it, and not otherwise', () =>
    withPool(2, [node2], async () => {
      await change(node3, { drained: true });
      assert.deepEqual(await change(node3, { drained: false }), [['drained', 'False']]);
      assert.equal(roles(), 'MCRR');
      assert.deepEqual(await change(node3, { master_capable: false }), [['master_capable', 'False']]);
      await f.refuses(modify(node3, { master_candidate: true }), 'wrong_state', /is not master capable/);
      assert.deepEqual(await change(node3, { master_capable: true }), [['master_capable', 'True']]);
      assert.equal(roles(), 'MCRR');
    }));

  it('takes no candidate away that is needed, unless others may take its place', () =>
    withPool(2, [node2], async () => {
      const refusal = /has 1 of 2 master candidates; give auto_promote/;
      for (const over of [
        { master_candidate: false },
        { drained: true },
        { offline: true },
        { master_capable: false },
      ])
        await f.refuses(modify(node2, over), 'wrong_state', refusal);
      const job = await f.cluster.done(modify(node2, { master_capable: false, auto_promote: true }));
      assert.deepEqual(job.ops[0]?.result, [
        ['master_capable', 'False'],
        ['master_candidate', 'False'],
      ]);
      assert.ok(job.ops[0]?.log.some(({ text }) => text === `${node3} becomes a master candidate`));
      assert.equal(roles(), 'MRCR');
      await change(node2, { master_capable: true });
    }));

  it('asks nothing of a node that is offline, and knows it at once when it is back', async () => {
    await f.cluster.done(create({ pnode: node2, start: true }));
    const read = async () => {
      const { data } = await f.cluster.manager.query(
        SYSTEM,
        'instance',
        ['status'],
        ['=', 'name', instance_name],
      );
      return data[0]?.[0]?.[1];
    };
    assert.equal(await read(), 'running');
    await change(node2, { offline: true, auto_promote: true });
    assert.equal(await read(), 'ERROR_nodeoffline');
    assert.equal(f.cluster.runtime.of(node(node2).uuid), null);
    await change(node2, { offline: false });
    assert.equal(await read(), 'running');
    await f.remove();
  });

  it('does not take a node back whose worker does not answer', async () => {
    await change(node4, { offline: true });
    f.cluster.gate.call = async (name, make) => {
      if (name === 'node.hello') throw new MerapiError('node_unreachable', 'nobody there');
      return make();
    };
    await f.refuses(
      modify(node4, { offline: false }),
      'wrong_state',
      /its worker does not answer: nobody there/,
    );
    f.cluster.gate.call = undefined;
    await change(node4, { offline: false });
  });

  it('changes node parameters, and gives them back to group and cluster', async () => {
    assert.deepEqual(await change(node3, { ndparams: { spindle_count: '3', ovs: true } }), []);
    await change(node3, { ndparams: { ovs: 'default' } });
    assert.deepEqual(node(node3).ndparams, { spindle_count: 3 });
    await f.refuses(modify(node3, { ndparams: { colour: 1 } }), 'type_enforcement', /'colour'/);
    const exclusive = { ndparams: { exclusive_storage: true } };
    await f.refuses(modify(node3, exclusive), 'wrong_input', /exclusive_storage cannot be set for a node/);
    await change(node3, { ndparams: { spindle_count: 'default' } });
    assert.deepEqual(node(node3).ndparams, {});
  });

  it('lets a node hold instances or not, if it holds none', async () => {
    assert.deepEqual(await change(node3, { vm_capable: false }), [['vm_capable', 'False']]);
    await f.refuses(create({ pnode: node3 }), 'wrong_state', /not vm_capable/);
    await change(node3, { vm_capable: true });
    await f.cluster.done(create({ pnode: node2, snode: node3, disk_template: 'drbd' }));
    for (const name of [node2, node3])
      await f.refuses(modify(name, { vm_capable: false }), 'wrong_state', /has 1 instance/);
    await f.remove();
  });

  it('changes the secondary address where nothing uses it, of all nodes or none', async () => {
    const address = (name: string, secondary_ip: string, force = false) =>
      modify(name, { secondary_ip, force });
    await f.refuses(address(node2, 'here'), 'wrong_input', "'here' is not an IP address");
    await f.refuses(
      address(node2, '203.0.113.2'),
      'wrong_input',
      /begin with the master node and give force/,
    );
    await f.refuses(
      address(node1, '203.0.113.1'),
      'wrong_input',
      /begin with the master node and give force/,
    );
    await f.cluster.done(address(node1, '203.0.113.1', true));
    await f.cluster.done(create({ pnode: node2, snode: node3, disk_template: 'drbd', start: true }));
    await f.refuses(
      address(node3, '203.0.113.3'),
      'wrong_state',
      /used by the mirrored disks of web\.example\.com/,
    );
    await f.remove();
    assert.deepEqual(await change(node3, { secondary_ip: '203.0.113.3' }), [['secondary_ip', '203.0.113.3']]);
    await f.refuses(address(node3, node(node3).primary_ip), 'wrong_input', /begin with the master/);
    for (const name of [node1, node3])
      await f.cluster.store.commit({ job: null }, () => [
        put('node', { ...node(name), secondary_ip: node(name).primary_ip }),
      ]);
  });

  it('refuses what is not right', async () => {
    await f.refuses(modify('nosuch', { drained: true }), 'not_found', /no node 'nosuch'/);
    await f.refuses(modify(node3, {}), 'wrong_input', /Nothing is to be changed/);
    await f.refuses(modify(node3, { drained: true, offline: true }), 'wrong_input', /drained, offline$/);
    await f.refuses(modify(node1, { offline: true }), 'wrong_input', /is the master/);
    await f.refuses(modify(node1, { master_capable: false }), 'wrong_state', /must stay master capable/);
    await f.refuses(modify(node3, { powered: true }), 'wrong_input', /does not switch nodes on or off/);
    const more = { powered: true, drained: false };
    await f.refuses(modify(node3, more), 'wrong_state', /does not switch nodes on or off/);
    await f.refuses(modify(node3, { hv_state: { fake: {} } }), 'wrong_input', /not supported/);
  });

  it('removes a node that holds nothing, and fills the pool of candidates', () =>
    withPool(2, [node4], async () => {
      const removal = (node_name: string) => ({ OP_ID: 'OP_NODE_REMOVE', node_name });
      await f.refuses(removal(node1), 'wrong_input', /is the master/);
      await f.cluster.done(create({ pnode: node4 }));
      await f.refuses(removal(node4), 'wrong_input', /has the instances web\.example\.com/);
      await f.remove();
      const gone = node(node4);
      await f.cluster.done(removal(node4));
      assert.equal(roles(), 'MCR');
      await eventually(
        'nothing is known of it any more',
        async () => f.cluster.runtime.of(gone.uuid) === null || null,
      );
      await f.cluster.done({ OP_ID: 'OP_NODE_ADD', node_name: node4, primary_ip: gone.primary_ip });
      assert.equal(roles(), 'MCRR');
    }));
});
