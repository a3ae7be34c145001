import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/manager/authorise.ts';
import type { NodeGroup } from '../../../lib/model/nodegroup.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const network_name = 'lan';
const group_name = 'default';

describe('connected networks', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({}, ['node3.example.com']);
    const network = { network: '203.0.113.0/29', gateway: '203.0.113.1', mac_prefix: 'aa:11:22' };
    await f.cluster.done({ OP_ID: 'OP_NETWORK_ADD', network_name, ...network });
  });
  after(() => f.close());

  const connect = (over: Record<string, unknown> = {}) => ({
    ...{ OP_ID: 'OP_NETWORK_CONNECT', network_name, group_name },
    ...{ network_mode: 'bridged', network_link: 'br7', ...over },
  });
  const disconnect = { OP_ID: 'OP_NETWORK_DISCONNECT', network_name, group_name };
  const removal = { OP_ID: 'OP_NETWORK_REMOVE', network_name };
  const group = (): NodeGroup => f.cluster.store.view.groups.named(group_name) ?? assert.fail();
  const uuid = (): string => f.cluster.store.view.networks.named(network_name)?.uuid ?? assert.fail();
  const inNetwork = (ip: string | null = 'pool', over: Record<string, unknown> = {}) =>
    create({ nics: [{ network: network_name, ip }], ...over });

  async function fields(...names: string[]): Promise<unknown[]> {
    const { data } = await f.cluster.manager.query(SYSTEM, 'network', names, ['=', 'name', network_name]);
    return (data[0] ?? []).map(([, value]) => value);
  }

  async function connected(run: () => Promise<unknown>): Promise<void> {
    await f.cluster.done(connect());
    try {
      await run();
    } finally {
      await f.cluster.done(disconnect);
    }
  }

  it('are connected and disconnected once', async () => {
    await f.cluster.done(connect({ network_vlan: '.7' }));
    assert.deepEqual(group().networks, { [uuid()]: { mode: 'bridged', link: 'br7', vlan: '.7' } });
    assert.deepEqual(await fields('group_cnt', 'group_list'), [1, [['default', 'bridged', 'br7', '.7']]]);
    const again = await f.cluster.done(connect());
    assert.match(again.ops[0]?.log[0]?.text ?? '', /connected to group default already/);
    assert.equal(group().networks[uuid()]?.vlan, '.7', 'it stays as it was');
    await f.refuses(removal, 'wrong_state', /connected to default; disconnect it first/);
    await f.cluster.done(disconnect);
    assert.deepEqual(group().networks, {});
    const twice = await f.cluster.done(disconnect);
    assert.match(twice.ops[0]?.log[0]?.text ?? '', /not connected to group default/);
    await f.refuses(connect({ group_name: 'nosuch' }), 'unknown_entity', /node group 'nosuch'/);
    await f.refuses({ ...disconnect, network_name: 'nosuch' }, 'unknown_entity', /network 'nosuch'/);
  });

  it('are not connected where their addresses are in use, unless conflicts do not matter', async () => {
    await f.cluster.done(create({ nics: [{ ip: '203.0.113.5' }] }));
    await f.refuses(connect(), 'wrong_state', /203\.0\.113\.5 \(web\.example\.com\)/);
    await f.cluster.done(connect({ conflicts_check: false }), disconnect);
    await f.remove();
  });

  it('give NICs their addresses, parameters and MAC prefix', () =>
    connected(async () => {
      await f.cluster.done(inNetwork());
      const [nic] = f.instance.nics;
      assert.deepEqual(
        [nic?.ip, nic?.network, nic?.nicparams],
        ['203.0.113.2', uuid(), { mode: 'bridged', link: 'br7', vlan: '' }],
      );
      assert.match(nic?.mac ?? '', /^aa:11:22:/);
      const used = await fields('map', 'free_count', 'reserved_count', 'inst_cnt', 'inst_list');
      assert.deepEqual(used, ['XXX....X', 4, 4, 1, [instance_name]]);
      await f.refuses(disconnect, 'wrong_state', /have NICs in the network: web\.example\.com/);
      const gateway = { OP_ID: 'OP_NETWORK_SET_PARAMS', network_name, gateway: '203.0.113.2' };
      await f.refuses(gateway, 'execution', /203\.0\.113\.2 is used by instance web/);
      const { data } = await f.cluster.manager.query(SYSTEM, 'instance', ['nic.networks', 'nic.networks.names'], null);
      assert.deepEqual(data, [
        [
          [0, [uuid()]],
          [0, ['lan']],
        ],
      ]);
      await f.remove();
      assert.deepEqual(await fields('map', 'inst_list'), ['XX.....X', []]);
    }));

  it('give an address that is asked for only if it is theirs and free', () =>
    connected(async () => {
      await f.cluster.done(inNetwork('203.0.113.2', { instance_name: 'first' }));
      await f.cluster.done(inNetwork('pool'));
      assert.equal(f.instance.nics[0]?.ip, '203.0.113.3');
      const third = { instance_name: 'third' };
      const refused: [string, RegExp][] = [
        ['203.0.113.3', /is used by web/],
        ['203.0.113.1', /is reserved/],
        ['198.18.0.1', /does not belong/],
      ];
      for (const [ip, message] of refused)
        await f.refuses(inNetwork(ip, third), 'resource_not_unique', message);
      const outside = create({ ...third, nics: [{ ip: '203.0.113.5' }] });
      await f.refuses(outside, 'wrong_state', /203\.0\.113\.5 is an address of network lan/);
      const both = create({ ...third, nics: [{ network: network_name, link: 'br0' }] });
      await f.refuses(both, 'wrong_input', /its network decides link/);
      await f.cluster.done(inNetwork(null, third));
      await f.remove('third');
      await f.remove('first');
      await f.remove();
    }));

  it('never give an address twice, and say when there is none left', () =>
    connected(async () => {
      const names = Array.from({ length: 7 }, (_, index) => `many${index}`);
      const pnodes = ['node1', 'node2', 'node3'];
      const ids = await Promise.all(
        names.map((name, index) =>
          f.cluster.manager.submit(SYSTEM, [
            inNetwork('pool', { instance_name: name, pnode: pnodes[index % 3], disk_template: 'diskless', disks: [] }),
          ]),
        ),
      );
      const jobs = await Promise.all(ids.map((id) => f.cluster.ended(id)));
      const failures = jobs.flatMap((job) => job.ops.flatMap((op) => op.failure ?? []));
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['insufficient_resources', 'insufficient_resources'],
      );
      assert.match(failures[0]?.message ?? '', /Network lan \(203\.0\.113\.0\/29\) has no free address left/);
      const instances = f.cluster.store.view.instances.list();
      assert.deepEqual(
        instances.map(({ nics }) => nics[0]?.ip).sort(),
        [2, 3, 4, 5, 6].map((last) => `203.0.113.${last}`),
      );
      assert.deepEqual(await fields('free_count'), [0]);
      for (const { name } of instances) await f.remove(name);
    }));

  it('are a reason for the allocator to take a node of their groups', () =>
    connected(async () => {
      await f.cluster.done(
        { OP_ID: 'OP_GROUP_ADD', group_name: 'rack2' },
        { OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name: 'rack2', nodes: ['node1', 'node2'] },
      );
      const anywhere = { pnode: null, iallocator: 'hail' };
      await f.cluster.done(inNetwork('pool', anywhere));
      const { name } = f.cluster.store.view.nodes.get(f.instance.primary_node) ?? assert.fail();
      assert.equal(name, 'node3.example.com');
      await f.remove();
      const given = inNetwork('pool', { pnode: 'node1' });
      await f.refuses(given, 'wrong_input', /lan is not connected to group rack2 of node node1/);
      await f.refuses(
        inNetwork('pool', { ...anywhere, group_name: 'rack2' }),
        'insufficient_resources',
        /group rack2: it is not connected to network lan/,
      );
      await f.cluster.done(
        { OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name, nodes: ['node1', 'node2'] },
        { OP_ID: 'OP_GROUP_REMOVE', group_name: 'rack2' },
      );
    }));
});
