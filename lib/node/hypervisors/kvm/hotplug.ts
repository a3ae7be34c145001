// Devices of a running guest. A disk is a block node and a NIC a netdev, each with a device in front of it that the guest sees.
//
// Adding takes two commands: the back end first, then the device; a device that fails takes its back end away again. Removing a
// device is up to the guest: QEMU only asks it (device_del), the device is gone when the guest's system has released it, and
// the back end can be removed some time after that. Each function first looks at what QEMU has, so it can be repeated after any
// interruption.
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { DiskTarget, NicTarget } from '../../../rpc/types.ts';
import { blockNodes } from './blocks.ts';
import {
  type DeviceProperties,
  type DiskPlace,
  deviceId,
  diskDevice,
  diskId,
  diskNode,
  netdev,
  nicDevice,
  nicId,
} from './devices.ts';
import { isPortBased, PORT } from './machine.ts';
import type { KvmParams } from './params.ts';
import type { Monitor } from './qmp.ts';

/** Milliseconds after which a guest that has not released a device is asked again: one that boots misses the request. */
const ASK_AGAIN = 5000;

/** Gives a guest a disk; nothing to do when it has it. @throws MerapiError hypervisor */
export async function plugDisk(
  monitor: Monitor,
  params: KvmParams,
  disk: DiskTarget,
  place: DiskPlace,
): Promise<void> {
  const id = diskId(disk);
  if (await hasDevice(monitor, deviceId(id))) return;
  // An earlier life of the worker may have added the node and no device.
  const isThere = (await blockNodes(monitor)).some(({ name }) => name === id);
  if (!isThere) await monitor.execute('blockdev-add', diskNode(params, disk, place));
  try {
    await addDevice(monitor, params, diskDevice(params, disk));
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': id }).catch(() => undefined);
    throw error;
  }
}

/** Removes a disk from a guest, which must release it within `limit` ms. @throws MerapiError hypervisor */
export async function unplugDisk(
  monitor: Monitor,
  disk: DiskTarget,
  path: string | null,
  limit: number,
): Promise<void> {
  const id = diskId(disk);
  await removeDevice(monitor, deviceId(id), limit);
  const nodes = await blockNodes(monitor);
  if (nodes.some(({ name }) => name === id)) await removeBlockNode(monitor, id, limit);
  else if (path !== null && nodes.some((node) => node.path === path))
    throw new MerapiError('hypervisor', `The guest uses ${path} as something else than disk ${disk.uuid}`);
}

/** Gives a guest a NIC at this tap device; nothing to do when it has it. @throws MerapiError hypervisor */
export async function plugNic(
  monitor: Monitor,
  params: KvmParams,
  nic: NicTarget,
  tap: string,
): Promise<void> {
  const id = nicId(nic);
  if (await hasDevice(monitor, deviceId(id))) return;
  await removeNetdev(monitor, id);
  await monitor.execute('netdev_add', netdev(params, nic, tap));
  try {
    await addDevice(monitor, params, nicDevice(params, nic));
  } catch (error) {
    await removeNetdev(monitor, id);
    throw error;
  }
}

/** Removes a NIC from a guest, which must release it within `limit` ms; its tap device stays. @throws MerapiError hypervisor */
export async function unplugNic(monitor: Monitor, nic: NicTarget, limit: number): Promise<void> {
  const id = nicId(nic);
  await removeDevice(monitor, deviceId(id), limit);
  await removeNetdev(monitor, id);
}

async function hasDevice(monitor: Monitor, id: string): Promise<boolean> {
  const devices = await monitor.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === id);
}

async function addDevice(monitor: Monitor, params: KvmParams, properties: DeviceProperties): Promise<void> {
  const isPci = !/^(scsi|ide|ne2k_isa)/.test(String(properties.driver));
  const port = isPci && isPortBased(params) ? { bus: await freePort(monitor) } : {};
  await monitor.execute('device_add', { ...properties, ...port });
}

/** The port for one more device of a machine whose own bus takes none while it runs. */
async function freePort(monitor: Monitor): Promise<string> {
  const buses = await monitor.execute('query-pci');
  const ports = buses.flatMap(({ devices }) => devices).filter(({ qdev_id }) => qdev_id.startsWith(PORT));
  const free = ports.find(({ pci_bridge }) => pci_bridge && !pci_bridge.devices?.length);
  if (free) return free.qdev_id;
  throw new MerapiError(
    'hypervisor',
    `All ${ports.length} ports of the guest for devices that come while it runs are taken; restart it`,
  );
}

async function removeDevice(monitor: Monitor, id: string, limit: number): Promise<void> {
  const end = performance.now() + limit;
  let asked = Number.NEGATIVE_INFINITY;
  for (let pause = 20; await hasDevice(monitor, id); pause = Math.min(pause * 1.5, 250)) {
    const now = performance.now();
    if (now >= end)
      throw new MerapiError(
        'hypervisor',
        `The guest has not given up ${id} within ${limit / 1000} s; it may still be booting, or its system cannot`,
      );
    if (now - asked >= ASK_AGAIN) {
      asked = now;
      await monitor.execute('device_del', { id }).catch(unlessUnderWay);
    }
    await sleep(pause);
  }
}

function unlessUnderWay(error: Error): void {
  if (!/in the process of unplug|not found/.test(error.message)) throw error;
}

/** QEMU releases what is behind a device only some time after the device is gone. */
async function removeBlockNode(monitor: Monitor, id: string, limit: number): Promise<void> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      await monitor.execute('blockdev-del', { 'node-name': id });
      return;
    } catch (error) {
      if (!/is in use/.test(errorText(error)) || performance.now() >= end) throw error;
    }
    await sleep(20);
  }
}

async function removeNetdev(monitor: Monitor, id: string): Promise<void> {
  await monitor.execute('netdev_del', { id }).catch((error: Error) => {
    if (!/not found/.test(error.message)) throw error;
  });
}
