import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../../lib/base/log.ts';
import { readRecord } from '../../../../lib/node/hypervisors/kvm/record.ts';
import { socketsOf } from '../../../../lib/node/hypervisors/kvm/sockets.ts';
import { KvmHypervisor } from '../../../../lib/node/hypervisors/kvm.ts';
import type { NicTarget } from '../../../../lib/rpc/types.ts';
import { Resources } from '../../helpers.ts';
import { askQemu, kvmInstance, newDisk, TapNetwork, tinyDisk } from '../kvm-helpers.ts';

const nic: NicTarget = {
  ...{ uuid: randomUUID(), name: null, mac: 'aa:00:00:00:00:07', ip: null },
  nicparams: { mode: 'routed', link: '', vlan: '' },
};

describe('devices of running kvm guests', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function open(hvparams: Record<string, unknown> = {}, network = new TapNetwork()) {
    const folder = await resources.folder();
    const options = { folder, network, log: silentLogger, accel: 'tcg', patience: 300 } as const;
    let driver = new KvmHypervisor(options);
    await driver.open();
    const web = kvmInstance('web', { hvparams });
    resources.add(async () => {
      await driver.stop(web, { timeout: 0, force: true });
      await driver.close();
    });
    await driver.start(web, { sources: [{ path: await tinyDisk(folder, web) }], paused: false });
    const guest = join(folder, 'guests', web.uuid);
    return {
      ...{ folder, network, web, guest },
      get driver() {
        return driver;
      },
      record: async () => (await readRecord(guest))?.instance,
      /** What the worker's next life finds, and what QEMU answers meanwhile to a command. */
      async reopen(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
        await driver.close();
        const answer = await askQemu(socketsOf(guest).qmp, command, args);
        driver = new KvmHypervisor(options);
        await driver.open();
        return answer;
      },
    };
  }

  for (const machine_version of ['pc', 'q35'])
    it(`come at once, are known in the worker's next life, and stay when the guest keeps them (${machine_version})`, async () => {
      const world = await open({ machine_version });
      const { web, network } = world;
      const added = await newDisk(world.folder);
      const after = { ...web, disks: [...web.disks, added.disk], nics: [nic] };
      for (let again = 0; again < 2; again++) {
        await world.driver.hotplug.plug(after, added);
        await world.driver.hotplug.plug(after, { nic: 0 });
      }
      const record = await world.record();
      assert.deepEqual([record?.disks, record?.nics], [after.disks, after.nics]);
      const devices = await world.reopen('qom-list', { path: '/machine/peripheral' });
      const names = (devices as { name: string }[]).map(({ name }) => name);
      const wanted = [added.disk, nic].map(({ uuid }) => uuid.slice(0, 23));
      assert.ok(names.includes(`dev-disk-${wanted[0]}`) && names.includes(`dev-nic-${wanted[1]}`));
      await world.driver.resize(after, { ...added, disk: { ...added.disk, size: 2 } });
      // The smallest guest has no system that could give anything up.
      const kept = { code: 'hypervisor', message: /has not released dev-disk-.* within 0.3 s/ };
      await assert.rejects(world.driver.hotplug.unplug(after, added), kept);
      await assert.rejects(world.driver.hotplug.unplug(after, { nic: 0 }), { code: 'hypervisor' });
      assert.deepEqual(await world.record(), record);
      await world.driver.hotplug.plug(after, added);
      assert.deepEqual(network.calls, ['plug web 0', 'plug web 0']);
    });

  it('leave nothing behind when QEMU refuses them', async () => {
    const world = await open({ disk_type: 'ide', nic_type: 'ne2k_isa' });
    const before = await world.record();
    const added = await newDisk(world.folder);
    const after = { ...world.web, disks: [...world.web.disks, added.disk], nics: [nic] };
    await assert.rejects(world.driver.hotplug.plug(after, added), {
      code: 'hypervisor',
      message: /QEMU refused/,
    });
    await assert.rejects(world.driver.hotplug.plug(after, { nic: 0 }), {
      code: 'hypervisor',
      message: /QEMU refused/,
    });
    await assert.rejects(
      world.driver.hotplug.plug(after, { ...added, source: { path: `${added.path}.not` } }),
      {
        code: 'hypervisor',
        message: /cannot be used/,
      },
    );
    assert.deepEqual(await world.record(), before);
    assert.deepEqual(world.network.calls, ['plug web 0', `unplug ${world.web.uuid} ${nic.uuid}`]);
    const nodes = (await world.reopen('query-named-block-nodes', { flat: true })) as { file: string }[];
    assert.ok(!nodes.some(({ file }) => file === added.path));
    await world.driver.hotplug.unplug(after, added);
    await world.driver.hotplug.unplug(after, { nic: 0 });
  });

  it('are not touched under another name, nor where the guest does not run', async () => {
    const world = await open();
    const [first] = world.web.disks;
    assert.ok(first);
    const path = join(world.folder, 'web.raw');
    const stranger = { path, disk: { ...first, uuid: randomUUID() } };
    await assert.rejects(world.driver.hotplug.unplug(world.web, stranger), { message: /but not as disk/ });
    await world.driver.stop(world.web, { timeout: 0, force: true });
    await world.driver.hotplug.plug(world.web, { source: { path }, disk: first });
    await world.driver.hotplug.unplug(world.web, { path, disk: first });
    assert.deepEqual(world.network.calls, [`unplug ${world.web.uuid}`]);
  });

  it('the memory stays what it is when the guest does not change it', async () => {
    const world = await open();
    const refused = { code: 'hypervisor', message: /16 MiB .*asked to have 8/ };
    await assert.rejects(world.driver.setMemory(world.web, 8), refused);
    assert.equal(world.driver.guests()[0]?.memory, 16);
    await world.driver.setMemory(world.web, 16);
    const balloon = await world.reopen('query-balloon');
    assert.deepEqual(balloon, { actual: 16 * 1024 * 1024 });
    await world.driver.stop(world.web, { timeout: 0, force: true });
    await assert.rejects(world.driver.setMemory(world.web, 16), { code: 'wrong_state' });
  });
});
