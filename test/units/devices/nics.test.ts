import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import { systemWorld } from '../../../lib/base/world.ts';
import type { Nic } from '../../../lib/model/nic.ts';
import { connectNics, placeNics } from '../../../lib/units/devices/nic-addresses.ts';
import { buildNics, type NicRequest } from '../../../lib/units/devices/nics.ts';
import { aGroup, aNetwork, aNic, aNode, anInstance, viewOf } from '../../helpers/view.ts';

const link = { mode: 'bridged' as const, link: 'br7', vlan: '' };
const old = aNic('n0', {
  mac: 'aa:00:00:00:00:07',
  ip: '203.0.113.9',
  name: 'lan',
  nicparams: { link: 'br1' },
});
const inside = aNic('n1', {
  ...{ mac: 'aa:00:00:00:00:08', ip: '192.0.2.2', network: 'lan-uuid', nicparams: link },
});
const six = aNic('n2', {
  ...{ mac: 'aa:00:00:00:00:09', ip: '2001:db8:6::9', network: 'six-uuid', nicparams: link },
});
const web = anInstance('web', { nics: [old, inside, six] });
const parts = {
  groups: [aGroup({ networks: { 'lan-uuid': link, 'dmz-uuid': link, 'six-uuid': link } })],
  nodes: [aNode('node1')],
  instances: [web],
  networks: [
    aNetwork('lan'),
    aNetwork('dmz', {
      network: '198.18.0.0/30',
      mac_prefix: 'aa:11:22',
      reservations: ['198.18.0.0', '198.18.0.3'],
    }),
    aNetwork('far'),
    aNetwork('six', { network: '198.18.1.0/30', network6: '2001:db8:6::/64', gateway6: '2001:db8:6::1' }),
  ],
};
const view = viewOf(parts);

const world = { ...systemWorld, view };
const build = (request: NicRequest, before?: Nic) => buildNics(world, 'web', [request], [before]);
const refuses = (run: () => unknown, code: string, message: RegExp) =>
  assert.rejects(
    async () => run(),
    (error) => error instanceof MerapiError && error.code === code && message.test(error.message),
  );

describe('NICs of requests', () => {
  it('stay as they are where nothing is asked of them', async () => {
    assert.deepEqual(await buildNics(world, 'web', [{}, {}], [old, inside]), [old, inside]);
  });

  it('get no address when hardly any of the prefix is free', async () => {
    const [first] = await build({});
    const bytes = Buffer.from((first?.mac ?? '').split(':').slice(3).join(''), 'hex');
    const taken = viewOf({ ...parts, instances: [anInstance('full', { nics: first ? [first] : [] })] });
    const always = { ...systemWorld.random, bytes: () => bytes, uuid: () => systemWorld.random.uuid() };
    await refuses(
      () => buildNics({ ...systemWorld, view: taken, random: always }, 'web', [{}], [undefined]),
      'insufficient_resources',
      /NIC 0: no free MAC address with the prefix aa:00:00/,
    );
  });

  it('change in what is named', async () => {
    const [changed] = await build({ ip: 'none', name: 'none', link: 'default', mode: 'openvswitch' }, old);
    assert.deepEqual(changed, { ...old, ip: null, name: null, nicparams: { mode: 'openvswitch' } });
    const [fresh] = await build({ mac: 'auto' }, old);
    assert.notEqual(fresh?.mac, old.mac);
    await refuses(() => build({ mac: inside.mac }, old), 'resource_not_unique', /in use/);
    await refuses(() => build({ link: 'br2' }, inside), 'wrong_input', /its network decides link/);
  });

  it('have MAC addresses of one device, and IP addresses in one form and without a zone', async () => {
    for (const mac of [
      '00:00:00:00:00:00',
      '01:00:5e:00:00:01',
      'ff:ff:ff:ff:ff:ff',
      '33:33:00:00:00:01',
      'aa:00:00',
    ])
      for (const before of [undefined, old])
        await refuses(
          () => build({ mac }, before),
          'wrong_input',
          /is not a MAC address of one device; give .*aa:00:00/,
        );
    const zeros = { ...old, mac: '00:00:00:00:00:00' };
    assert.deepEqual(await build({}, zeros), [zeros], 'what an older release took stays as it is');
    for (const ip of ['2001:DB8:0:0::7', '2001:db8::7'])
      assert.equal((await build({ ip }))[0]?.ip, '2001:db8::7');
    for (const ip of ['fe80::1%eth0', '192.0.2.300', '2001:db8::/64', '2001:db8:::1'])
      await refuses(() => build({ ip }), 'wrong_input', /is not an IP address; give one such as/);
  });

  it('have names by which each can be meant', async () => {
    const named = (...names: (string | null)[]) =>
      buildNics(
        world,
        'web',
        names.map((name) => ({ name })),
      );
    await refuses(() => named('lan', 'x', 'lan'), 'resource_not_unique', /Two NICs .* 'lan'/);
    await refuses(() => named('7'), 'wrong_input', /looks like a number or a uuid/);
    await refuses(() => named('8b8a5b8e-0000-4000-8000-0123456789ab'), 'wrong_input', /looks like/);
    assert.equal((await named('a', 'b', null, 'none', '', null)).length, 6);
  });

  it('go into a network and out of it', async () => {
    const [entered] = await build({ network: 'dmz', ip: 'pool' }, old);
    assert.deepEqual([entered?.network, entered?.ip, entered?.nicparams], ['dmz-uuid', 'pool', {}]);
    assert.match(entered?.mac ?? '', /^aa:11:22:/, 'the network has a prefix of its own');
    const [moved] = await build({ network: 'lan-uuid', ip: 'pool' }, old);
    assert.equal(moved?.mac, old.mac);
    const [left] = await build({ network: 'none', ip: 'none' }, inside);
    assert.deepEqual(left, { ...inside, network: null, ip: null });
    await refuses(() => build({ network: 'nosuch' }), 'not_found', /network 'nosuch'/);
  });
});

describe('NICs on a node', () => {
  const node = aNode('node1');
  const place = (nic: Partial<Nic>, conflictsCheck = true, before: (Nic | undefined)[] = []) =>
    connectNics(
      view,
      [aNic('new', { mac: 'aa:00:00:00:00:10', ...nic })],
      node,
      'other',
      conflictsCheck,
      before,
    );

  it('have the parameters with which the group reaches their network', async () => {
    const [nic] = place({ network: 'lan-uuid', ip: '192.0.2.3' });
    assert.deepEqual(nic?.nicparams, link);
    await refuses(
      () => place({ network: 'far-uuid' }),
      'wrong_input',
      /far is not connected to group default/,
    );
  });

  it('have addresses of their network that are free', async () => {
    const refused: [string, RegExp][] = [
      ['192.0.2.1', /is reserved/],
      ['192.0.2.2', /is used by web/],
      ['192.0.2.9', /does not belong to network lan/],
      ['2001:db8::1', /does not belong to network lan/],
    ];
    for (const [ip, message] of refused)
      await refuses(() => place({ network: 'lan-uuid', ip }), 'resource_not_unique', message);
  });

  it('have IPv6 addresses of the IPv6 network that are free', async () => {
    assert.equal(place({ network: 'six-uuid', ip: '2001:db8:6::7' })[0]?.ip, '2001:db8:6::7');
    const refused: [string, RegExp][] = [
      ['2001:db8:6::', /is reserved/],
      ['2001:db8:6::1', /is reserved/],
      ['2001:db8:6::9', /is used by web/],
      ['2001:db8:7::1', /does not belong to network six \(198\.18\.1\.0\/30, 2001:db8:6::\/64\)/],
    ];
    for (const [ip, message] of refused)
      await refuses(() => place({ network: 'six-uuid', ip }), 'resource_not_unique', message);
    await refuses(() => place({ ip: '2001:db8:6::7' }), 'wrong_state', /is an address of network six/);
    assert.equal(place({ ip: '2001:db8:6::7' }, false)[0]?.ip, '2001:db8:6::7');
  });

  it('have no address of a network that they are not in, unless that is wanted or was so before', async () => {
    const ip = '198.18.0.1';
    await refuses(() => place({ ip }), 'wrong_state', /is an address of network dmz/);
    assert.equal(place({ ip }, false)[0]?.ip, ip);
    assert.equal(place({ ip }, true, [aNic('new', { ip })])[0]?.ip, ip);
    assert.equal(place({ ip: '192.0.3.1' })[0]?.ip, '192.0.3.1');
  });
});

describe('NICs as they are entered', () => {
  const nic = (ip: string, network = 'lan-uuid', mac = 'aa:00:00:00:00:20') =>
    aNic('new', { mac, ip, network });

  it('get addresses that nobody has, among them neither', async () => {
    const placed = placeNics(view, [nic('pool'), nic('192.0.2.3'), nic('pool')], 'other');
    assert.deepEqual(
      placed.map(({ ip }) => ip),
      ['192.0.2.4', '192.0.2.3', '192.0.2.5'],
    );
    await refuses(
      () => placeNics(view, [nic('192.0.2.3'), nic('192.0.2.3')], 'other'),
      'resource_not_unique',
      /Two NICs ask for 192\.0\.2\.3/,
    );
    assert.deepEqual(placeNics(view, web.nics, web.uuid), web.nics, 'its own are its own');
  });

  it('are refused where a pool is exhausted or a MAC address taken meanwhile', async () => {
    const three = ['pool', 'pool', 'pool'].map((ip) => nic(ip, 'dmz-uuid'));
    await refuses(() => placeNics(view, three, 'other'), 'wrong_state', /dmz .* no free address/);
    await refuses(
      () => placeNics(view, [aNic('new', { mac: old.mac })], 'other'),
      'resource_not_unique',
      /used by web/,
    );
  });
});
