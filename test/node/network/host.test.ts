import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { runOrThrow } from '../../../lib/base/exec.ts';
import type { GuestNetwork } from '../../../lib/node/hypervisors/define.ts';
import { createGuestNetwork } from '../../../lib/node/network/host.ts';
import type { InstanceTarget, NicTarget } from '../../../lib/rpc/types.ts';
import { instanceTarget, Resources } from '../helpers.ts';

interface Link {
  ifname: string;
  address: string;
  mtu: number;
  master?: string;
  flags: string[];
}

describe('the network of a host', () => {
  const resources = new Resources();
  after(() => resources.close());
  const netns = `merapi-${randomBytes(4).toString('hex')}`;
  let folder: string;
  let network: GuestNetwork;
  const ip = (...args: string[]) => runOrThrow('ip', ['-netns', netns, ...args]);
  const links = async (): Promise<Link[]> => JSON.parse(await ip('-json', 'link', 'show'));
  const taps = async () => (await links()).filter(({ ifname }) => ifname.startsWith('mt'));

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'only root can make a network namespace; run this test as root');
    await runOrThrow('ip', ['netns', 'add', netns]);
    resources.add(() => runOrThrow('ip', ['netns', 'delete', netns]));
    await ip('link', 'add', 'br0', 'address', '02:00:00:00:00:01', 'type', 'bridge');
    await ip('link', 'set', 'br0', 'mtu', '1400', 'up');
    await ip('link', 'add', 'br1', 'type', 'bridge');
    folder = await resources.folder();
    network = createGuestNetwork({ folder, netns });
  });

  function instance(...nicparams: Partial<NicTarget['nicparams']>[]): InstanceTarget {
    const nics = nicparams.map((params, index) => ({
      uuid: `nic${index}`,
      name: null,
      mac: `aa:00:00:00:00:0${index}`,
      ip: null,
      nicparams: { mode: 'bridged', link: 'br0', vlan: '', ...params },
    }));
    return instanceTarget({ uuid: randomUUID(), nics });
  }

  it('knows which bridges are missing', async () => {
    assert.deepEqual(await network.missingBridges(['br0', 'br7', 'lo', 'br1']), ['br7', 'lo']);
    assert.deepEqual(await network.missingBridges([]), []);
  });

  it('plugs a tap device into the bridge of each NIC, once', async () => {
    const web = instance({}, { link: 'br1' }, { mode: 'routed', link: '' });
    const names = [];
    for (const index of [0, 1, 2]) names.push(await network.plug(web, index));
    assert.equal(await network.plug(web, 0), names[0]);
    assert.ok(names.every((name) => name.length <= 15));
    const made = await taps();
    assert.deepEqual(made.map(({ ifname }) => ifname).sort(), [...names].sort());
    const [first, second, third] = names.map((name) => made.find(({ ifname }) => ifname === name));
    assert.deepEqual([first?.master, second?.master, third?.master], ['br0', 'br1', undefined]);
    assert.deepEqual([first?.mtu, second?.mtu], [1400, 1500]);
    assert.equal(first?.address, 'fe:00:00:00:00:00');
    assert.ok(made.every(({ flags }) => flags.includes('UP')));
    const bridge = (await links()).find(({ ifname }) => ifname === 'br1');
    assert.ok(bridge && bridge.mtu === 1500);
    await network.unplug(web.uuid, 'nic1');
    assert.deepEqual((await taps()).map(({ ifname }) => ifname).sort(), [names[0], names[2]].sort());
    assert.equal(await network.plug(web, 1), names[1]);
    await network.unplug(web.uuid, 'no-such-nic');
    assert.equal((await taps()).length, 3);
    await network.unplug(web.uuid);
    assert.deepEqual(await taps(), []);
  });

  it('puts right what is there already, and removes it in a later life', async () => {
    const web = instance({});
    const name = await network.plug(web, 0);
    await ip('link', 'set', 'dev', name, 'nomaster', 'down');
    await createGuestNetwork({ folder, netns }).plug(web, 0);
    const [tap] = await taps();
    assert.deepEqual([tap?.master, tap?.flags.includes('UP')], ['br0', true]);
    const other = instance({});
    await network.plug(other, 0);
    await createGuestNetwork({ folder, netns }).unplug(web.uuid);
    assert.equal((await taps()).length, 1);
    await ip('link', 'delete', 'dev', ((await taps())[0] as Link).ifname);
    await network.unplug(other.uuid);
    await network.unplug(other.uuid);
    assert.deepEqual(await readdir(folder), []);
  });

  it('names a missing bridge and what to do about it', async () => {
    const missing = { code: 'environment_error', message: /no bridge br7 .*ip link add br7 type bridge/ };
    await assert.rejects(network.plug(instance({ link: 'br7' }), 0), missing);
    await assert.rejects(network.plug(instance({ link: 'lo' }), 0), { message: /no bridge lo/ });
    const switched = instance({ mode: 'openvswitch', link: 'br0' });
    await assert.rejects(network.plug(switched, 0), { message: /no bridge br0 .*ovs-vsctl add-br br0/ });
    assert.deepEqual(await taps(), []);
    assert.deepEqual(await readdir(folder), []);
  });

  it('refuses what a bridge cannot do', async () => {
    const wrong = { code: 'environment_error' };
    await assert.rejects(network.plug(instance({ vlan: '.10' }), 0), { ...wrong, message: /openvswitch/ });
    await assert.rejects(network.plug(instance({ mode: 'pool' }), 0), { ...wrong, message: /pool/ });
    assert.deepEqual(await taps(), []);
  });

  it('says that ip is missing where it is', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      await assert.rejects(network.missingBridges(['br0']), {
        code: 'environment_error',
        message: /iproute2/,
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
