import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const network_name = 'net1';

describe('networks', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make();
  });
  after(() => f.close());

  const add = (over: Record<string, unknown> = {}): OpInput => ({
    OP_ID: 'OP_NETWORK_ADD',
    network_name,
    network: '192.0.2.0/29',
    gateway: '192.0.2.1',
    ...over,
  });
  const modify = (over: Record<string, unknown>): OpInput => ({
    OP_ID: 'OP_NETWORK_SET_PARAMS',
    network_name,
    ...over,
  });
  const remove: OpInput = { OP_ID: 'OP_NETWORK_REMOVE', network_name };
  const link = { network_mode: 'bridged', network_link: 'br7' };
  const connect = (over: Record<string, unknown> = {}): OpInput => ({
    OP_ID: 'OP_NETWORK_CONNECT',
    network_name,
    group_name: 'default',
    ...link,
    ...over,
  });
  const disconnect: OpInput = { OP_ID: 'OP_NETWORK_DISCONNECT', network_name, group_name: 'default' };
  const nic = (ip: string | null, name = network_name) => ({ nics: [{ network: name, ip }], os_type: null });

  async function network(...fields: string[]): Promise<unknown[]> {
    const { data } = await f.cluster.manager.query(SYSTEM, 'network', fields, ['=', 'name', network_name]);
    return (data[0] ?? assert.fail('no network')).map((cell) => cell[1]);
  }

  async function withNetwork(use: () => Promise<void>): Promise<void> {
    await f.cluster.done(add());
    await f.cluster.done(connect());
    try {
      await use();
    } finally {
      await f.cluster.done(disconnect);
      await f.cluster.done(remove);
    }
  }

  it('have a pool of addresses, some of them reserved', async () => {
    await f.cluster.done(add({ tags: ['b', 'a'], add_reserved_ips: ['192.0.2.4'], mac_prefix: 'AA:11:22' }));
    assert.deepEqual(await network('map', 'free_count', 'reserved_count', 'tags', 'mac_prefix'), [
      'XX..X..X',
      4,
      4,
      ['a', 'b'],
      'aa:11:22',
    ]);
    const both = modify({ gateway: '192.0.2.2', remove_reserved_ips: ['192.0.2.4'] });
    assert.equal(
      (await f.cluster.run(both)).ops[0]?.failure?.code,
      'wrong_input',
      'Ganeti wants two requests',
    );
    await f.cluster.done(modify({ gateway: '192.0.2.2' }), modify({ remove_reserved_ips: ['192.0.2.4'] }));
    assert.deepEqual(await network('map', 'gateway', 'external_reservations'), [
      'X.X....X',
      '192.0.2.2',
      '192.0.2.0, 192.0.2.2, 192.0.2.7',
    ]);
    const job = await f.cluster.done(
      modify({ add_reserved_ips: ['192.0.2.2'], remove_reserved_ips: ['192.0.2.5'] }),
    );
    assert.equal(job.ops[0]?.log.length, 2, 'what is so already is told');
    await f.cluster.done(modify({ network6: '2001:db8::/64', gateway6: '2001:db8::1', mac_prefix: 'none' }));
    assert.deepEqual(await network('network6', 'gateway6', 'mac_prefix'), [
      '2001:db8::/64',
      '2001:db8::1',
      null,
    ]);
    await f.cluster.done(remove);
  });

  it('reserve the addresses of nodes that lie in them', async () => {
    await f.cluster.done(add({ network: '198.51.100.0/29', gateway: null }));
    assert.deepEqual(await network('map'), ['XXX....X']);
    await f.cluster.done(remove);
    await f.cluster.done(add({ network: '198.51.100.0/29', gateway: null, conflicts_check: false }));
    assert.deepEqual(await network('map'), ['X......X']);
    await f.cluster.done(remove);
  });

  it('give NICs addresses, link parameters and MAC prefixes, and take the addresses back', () =>
    withNetwork(async () => {
      await f.cluster.done(modify({ mac_prefix: 'aa:00:99' }));
      const { instance, op } = await f.made(nic('pool'));
      assert.deepEqual(
        instance.nics.map(({ ip, nicparams, mac }) => [ip, nicparams, mac.slice(0, 8)]),
        [['192.0.2.2', { mode: 'bridged', link: 'br7', vlan: '' }, 'aa:00:99']],
      );
      assert.match(op.log.map(({ text }) => text).join(), /NIC 0 gets the address 192\.0\.2\.2/);
      await f.cluster.done(create(nic('192.0.2.5')));
      assert.deepEqual(await network('map', 'inst_list', 'inst_cnt', 'group_list'), [
        'XX...X.X',
        [instance_name],
        1,
        [['default', 'bridged', 'br7', '']],
      ]);
      const added = await f.cluster.done({
        OP_ID: 'OP_INSTANCE_SET_PARAMS',
        instance_name,
        nics: [['add', { network: 'net1', ip: 'pool' }]],
      });
      const [told] = (added.ops[0]?.result ?? []) as [string, string][];
      assert.match(String(told), /^nic\.1,add:mac=.*,ip=192\.0\.2\.2,mode=bridged,link=br7,network=net1$/);
      const { mac } = f.instance.nics[1] ?? {};
      assert.deepEqual(added.ops[0]?.resolved.nics, [['add', -1, { ip: '192.0.2.2', mac, network: 'net1' }]]);
      await f.cluster.done({
        OP_ID: 'OP_INSTANCE_SET_PARAMS',
        instance_name,
        nics: [['remove', 1, {}]],
      });
      await f.refuses(disconnect, 'wrong_state', /Instances of group default have NICs in the network/);
      await f.refuses(remove, 'wrong_state', /is connected to default/);
      const other = { ...create(nic('192.0.2.5')), instance_name: 'other.example.com' };
      await f.refuses(other, 'resource_not_unique', /192\.0\.2\.5 of network net1 is used by web/);
      await f.remove();
      assert.deepEqual(await network('map', 'inst_list'), ['XX.....X', []]);
    }));

  it('give no address twice, however many jobs ask at once, and tell when there is none left', () =>
    withNetwork(async () => {
      const names = Array.from({ length: 6 }, (_, index) => `vm${index}.example.com`);
      const jobs = await Promise.all(
        names.map((name) => f.cluster.run({ ...create(nic('pool')), instance_name: name })),
      );
      const failed = jobs.filter((job) => job.status === 'error');
      assert.equal(failed.length, 1);
      assert.deepEqual(failed[0]?.ops[0]?.failure, {
        code: 'wrong_state',
        message: 'Network net1 (192.0.2.0/29) has no free address left',
      });
      const { view } = f.cluster.store;
      const made = names.flatMap((name) => view.instances.named(name) ?? []);
      assert.equal(new Set(made.map(({ nics }) => nics[0]?.ip)).size, 5);
      for (const { name } of made) await f.remove(name);
    }));

  it('keep IPv6 addresses of NICs, their network and its gateway together', () =>
    withNetwork(async () => {
      await f.cluster.done(modify({ network6: '2001:db8::/64', gateway6: '2001:db8::1' }));
      await f.cluster.done(create(nic('2001:DB8::9')));
      await f.refuses(
        create({ ...nic('2001:db8::9'), instance_name: 'other.example.com' }),
        ...(['resource_not_unique', /is used by web/] as const),
      );
      await f.refuses(modify({ gateway6: '2001:db8::9' }), 'execution', /is used by instance web/);
      await f.refuses(
        modify({ network6: '2001:db8:1::/64', gateway6: '2001:db8:1::1' }),
        ...(['execution', /2001:db8::9 of instance web.* would no longer be in the network/] as const),
      );
      await f.refuses(
        modify({ network6: '2001:db8:1::/64' }),
        'execution',
        /2001:db8::1 is not in the network/,
      );
      await f.remove();
      await f.cluster.done(modify({ network6: '2001:db8:1::/64', gateway6: '2001:db8:1::1' }));
    }));

  it('refuse what cannot be', () =>
    withNetwork(async () => {
      await f.refuses(add(), 'already_exists', /There is a network 'net1' already/);
      const cases: [OpInput, string, RegExp][] = [
        [add({ network_name: 'a b' }), 'wrong_input', /cannot be the name of a network/],
        [
          add({ network_name: 'n', network: '192.0.2.1/24' }),
          'wrong_input',
          /the network is 192\.0\.2\.0\/24/,
        ],
        [add({ network_name: 'n', network: '10.0.0.0/8', gateway: null }), 'wrong_input', /\/16 to \/30/],
        [add({ network_name: 'n', gateway: '203.0.113.1' }), 'execution', /is not in the network/],
        [add({ network_name: 'n', gateway6: '2001:db8::1' }), 'wrong_input', /needs an IPv6 network/],
        [add({ network_name: 'n', gateway: '192.0.2.0' }), 'execution', /cannot be the gateway/],
        [add({ network_name: 'n', gateway: '192.0.2.7' }), 'execution', /cannot be the gateway/],
        [modify({ gateway: '192.0.2.0' }), 'execution', /cannot be the gateway/],
        [modify({ gateway: '192.0.2.7' }), 'execution', /cannot be the gateway/],
        [modify({ gateway: '192.0.2.8' }), 'execution', /is not in the network/],
        [
          add({ network_name: 'n', network6: '2001:db8::/64', gateway6: '2001:db8:1::1' }),
          ...(['execution', /2001:db8:1::1 is not in the network 2001:db8::\/64/] as const),
        ],
        [
          add({ network_name: 'n', network6: '2001:db8::/64', gateway6: '2001:db8::' }),
          ...(['execution', /cannot be the gateway/] as const),
        ],
        [
          modify({ network6: '2001:db8::/64', gateway6: '2001:db8:1::1' }),
          ...(['execution', /is not in the network/] as const),
        ],
        [add({ network_name: 'n', network: '10.0.0.0/31', gateway: null }), 'wrong_input', /\/16 to \/30/],
        [add({ network_name: 'n', mac_prefix: '01:00:00' }), 'wrong_input', /first of them even/],
        [add({ network_name: 'n', add_reserved_ips: ['192.0.2.8'] }), 'execution', /is not in the network/],
        [add({ network_name: 'n', tags: ['not a tag!'] }), 'invalid_tag', /not a tag!/],
        [add({ network_name: 'n', mac_prefix: 'zz' }), 'wrong_input', /not a MAC prefix/],
        [modify({ remove_reserved_ips: ['192.0.2.1'] }), 'wrong_input', /stays reserved/],
        [modify({ add_reserved_ips: ['10.1.1.1'] }), 'execution', /is not in the network/],
        [{ ...modify({}), network_name: 'nosuch' }, 'not_found', /nosuch/],
        [connect({ group_name: 'nosuch' }), 'not_found', /nosuch/],
        [create(nic('198.18.0.1')), 'resource_not_unique', /does not belong to network net1/],
        [create(nic('192.0.2.1')), 'resource_not_unique', /is reserved/],
        [create(nic('pool', 'nosuch')), 'not_found', /nosuch/],
        [create({ nics: [{ ip: 'pool' }] }), 'wrong_input', /needs a network/],
        [
          create({ nics: [{ network: network_name, link: 'br1' }] }),
          'wrong_input',
          /its network decides link/,
        ],
        [create({ nics: [{ ip: '192.0.2.3' }] }), 'wrong_state', /is an address of network net1/],
      ];
      for (const [op, code, message] of cases) await f.refuses(op, code, message);
      const again = await f.cluster.done(connect());
      assert.match(again.ops[0]?.log[0]?.text ?? '', /connected to group default already/);
      assert.equal(
        (await f.made({ nics: [{ ip: '192.0.2.3' }], conflicts_check: false })).instance.nics[0]?.ip,
        '192.0.2.3',
      );
    }));

  it('are not connected where instances have their addresses already', async () => {
    await f.cluster.done(add());
    await f.refuses(create(nic('pool')), 'wrong_input', /is not connected to group default/);
    await f.cluster.done(create({ nics: [{ ip: '192.0.2.3' }] }));
    await f.refuses(connect(), 'wrong_state', /have addresses of the network: 192\.0\.2\.3 \(web/);
    await f.cluster.done(connect({ conflicts_check: false }));
    await f.remove();
    await f.cluster.done(disconnect);
    const again = await f.cluster.done(disconnect);
    assert.match(again.ops[0]?.log[0]?.text ?? '', /is not connected to group default/);
    await f.cluster.done(remove);
  });
});
