import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Network } from '../../../lib/model/network.ts';
import { InstanceFixture } from '../instance/fixture.ts';

const network_name = 'lan';

describe('networks', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make();
  });
  after(() => f.close());

  const add = (over: Record<string, unknown> = {}) => ({
    ...{ OP_ID: 'OP_NETWORK_ADD', network_name, network: '203.0.113.0/28', ...over },
  });
  const modify = (over: Record<string, unknown>) => ({ OP_ID: 'OP_NETWORK_SET_PARAMS', network_name, ...over });
  const remove = { OP_ID: 'OP_NETWORK_REMOVE', network_name };
  const network = () => f.cluster.store.view.networks.named(network_name) ?? assert.fail(network_name);

  async function made(over: Record<string, unknown> = {}): Promise<{ network: Network; log: string[] }> {
    const job = await f.cluster.done(add(over));
    const result = { network: network(), log: (job.ops[0]?.log ?? []).map(({ text }) => text) };
    await f.cluster.done(remove);
    return result;
  }

  it('are made with their boundaries, gateway and given addresses reserved', async () => {
    const over = {
      ...{ gateway: '203.0.113.14', add_reserved_ips: ['203.0.113.9', '203.0.113.3'], tags: ['b', 'a'] },
      ...{ network6: '2001:db8::/64', gateway6: '2001:db8::1', mac_prefix: 'AA:11:22' },
    };
    const { network } = await made(over);
    const { uuid: _uuid, ctime: _ctime, mtime: _mtime, serial_no: _serial, ...rest } = network;
    assert.deepEqual(rest, {
      name: network_name,
      network: '203.0.113.0/28',
      gateway: '203.0.113.14',
      network6: '2001:db8::/64',
      gateway6: '2001:db8::1',
      mac_prefix: 'aa:11:22',
      reservations: ['203.0.113.0', '203.0.113.3', '203.0.113.9', '203.0.113.14', '203.0.113.15'],
      tags: ['a', 'b'],
    });
  });

  it('keep the addresses of nodes out of the pool, unless conflicts do not matter', async () => {
    const range = { network: '198.51.100.0/30' };
    const { network, log } = await made(range);
    assert.deepEqual(network.reservations, ['198.51.100.0', '198.51.100.1', '198.51.100.2', '198.51.100.3']);
    assert.match(log.join('\n'), /those of nodes.*198\.51\.100\.1, 198\.51\.100\.2/);
    const careless = await made({ ...range, conflicts_check: false });
    assert.deepEqual(careless.network.reservations, ['198.51.100.0', '198.51.100.3']);
  });

  it('are refused where something is wrong with them', async () => {
    const wrong: [Record<string, unknown>, string, RegExp][] = [
      [{ network: '203.0.113.0/31' }, 'wrong_input', /\/16 to \/30, not \/31/],
      [{ network: '10.0.0.0/15' }, 'wrong_input', /\/16 to \/30, not \/15/],
      [{ network: '203.0.113.5/28' }, 'wrong_input', /the network is 203\.0\.113\.0\/28/],
      [{ network_name: 'a b' }, 'wrong_input', /no network name/],
      [{ mac_prefix: 'aa:bb' }, 'wrong_input', /'aa:bb' is no prefix/],
      [{ mac_prefix: '01:00:00' }, 'wrong_input', /first of them even/],
      [{ gateway6: '2001:db8::1' }, 'wrong_input', /needs an IPv6 network/],
      [{ gateway: '203.0.114.1' }, 'execution', /203\.0\.114\.1 is not in the network/],
      [{ add_reserved_ips: ['203.0.113.16'] }, 'execution', /203\.0\.113\.16 is not in/],
      [{ tags: ['not a tag!'] }, 'invalid_tag', /'not a tag!'/],
    ];
    for (const [over, code, message] of wrong) await f.refuses(add(over), code, message);
    await f.cluster.done(add());
    await f.refuses(add(), 'already_exists', /'lan' already/);
    await f.cluster.done(remove);
    await f.refuses(remove, 'unknown_entity', /no network 'lan'/);
  });

  it('change', async () => {
    await f.cluster.done(add({ gateway: '203.0.113.1', mac_prefix: 'aa:11:22' }));
    await f.cluster.done(modify({ gateway: '203.0.113.2', add_reserved_ips: ['203.0.113.5', '203.0.113.6'] }));
    await f.cluster.done(modify({ remove_reserved_ips: ['203.0.113.5'], mac_prefix: 'none' }));
    await f.cluster.done(modify({ network6: '2001:db8::/64', gateway6: '2001:db8::1' }));
    const { gateway, gateway6, network6, mac_prefix, reservations } = network();
    assert.deepEqual(
      [gateway, gateway6, network6, mac_prefix],
      ['203.0.113.2', '2001:db8::1', '2001:db8::/64', null],
    );
    const kept = ['203.0.113.0', '203.0.113.2', '203.0.113.6', '203.0.113.15'];
    assert.deepEqual(reservations, kept);
    const job = await f.cluster.done(
      modify({ add_reserved_ips: ['203.0.113.6'], remove_reserved_ips: ['203.0.113.9'] }),
    );
    assert.deepEqual(
      job.ops[0]?.log.map(({ text }) => text),
      ['Address 203.0.113.6 is reserved already', 'Address 203.0.113.9 is not reserved'],
    );
    assert.deepEqual(network().reservations, kept);
    const stays = (ip: string) => f.refuses(modify({ remove_reserved_ips: [ip] }), 'wrong_input', /stays reserved/);
    for (const ip of ['203.0.113.0', '203.0.113.2', '203.0.113.15']) await stays(ip);
    await f.refuses(modify({ network_name: 'nosuch' }), 'unknown_entity', /network 'nosuch'/);
    await f.cluster.done(remove);
  });

  it('have tags', async () => {
    await f.cluster.done(add());
    const tags = (OP_ID: string, ...names: string[]) =>
      f.cluster.done({ OP_ID, kind: 'network', name: network_name, tags: names });
    await tags('OP_TAGS_SET', 'one', 'two');
    await tags('OP_TAGS_DEL', 'one');
    assert.deepEqual(network().tags, ['two']);
    await f.cluster.done(remove);
  });
});
