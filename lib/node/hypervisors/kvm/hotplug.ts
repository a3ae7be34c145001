// Adds and removes devices of a running guest by QMP. A disk consists of a block node, and a NIC of a netdev (the back ends), each with
// a device that the guest sees.
//
// Adding takes two commands: first the back end, then the device; if the device fails, its back end is removed again. Removing a
// device depends on the guest: QEMU only asks it (device_del), the device disappears when the guest's operating system has
// released it, and the back end can be removed some time after that. Each function first checks what QEMU has, so it can
// be repeated after any interruption.
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { DiskTarget, NicTarget } from '../../../rpc/types.ts';
import { blockNodes } from './blocks.ts';
import {
  type DeviceProperties,
  type DiskLocation,
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

/** Milliseconds after which a guest that has not released a device is asked again: a booting guest misses the request. */
const ASK_AGAIN = 5000;

/** Adds a disk to a guest; nothing to do when the guest has it. @throws MerapiError hypervisor */
export async function plugDisk(
  monitor: Monitor,
  params: KvmParams,
  disk: DiskTarget,
  location: DiskLocation,
): Promise<void> {
  const id = diskId(disk);
  if (await hasDevice(monitor, deviceId(id))) return;
  // A worker that crashed may have added the node but not the device.
  const hasNode = (await blockNodes(monitor)).some(({ name }) => name === id);
  if (!hasNode) await monitor.execute('blockdev-add', diskNode(params, disk, location));
  try {
    await addDevice(monitor, params, diskDevice(params, disk));
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': id }).catch(() => undefined);
    throw error;
  }
}

/**
 * Removes a disk from a guest, which must release it within `limit` ms. `path` is that of its data, if it has one: as long as QEMU
 * uses it under another name, the removal has not succeeded. @throws MerapiError hypervisor
 */
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
    throw new MerapiError('hypervisor', `The guest uses ${path}, but not as disk ${disk.uuid}`);
}

/** Adds a NIC with this tap device to a guest; nothing to do when the guest has it. @throws MerapiError hypervisor */
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

/** Whether the guest has a device of this name; also while the guest is still releasing it. */
async function hasDevice(monitor: Monitor, id: string): Promise<boolean> {
  const devices = await monitor.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === id);
}

async function addDevice(monitor: Monitor, params: KvmParams, properties: DeviceProperties): Promise<void> {
  const isPci = !/^(scsi|ide|ne2k_isa)/.test(String(properties.driver));
  const port = isPci && isPortBased(params) ? { bus: await freePort(monitor) } : {};
  await monitor.execute('device_add', { ...properties, ...port });
}

/** A free PCIe port of a machine whose root bus accepts no hotplugged devices. @throws MerapiError hypervisor when all are in use */
async function freePort(monitor: Monitor): Promise<string> {
  const buses = await monitor.execute('query-pci');
  const ports = buses.flatMap(({ devices }) => devices).filter(({ qdev_id }) => qdev_id.startsWith(PORT));
  const free = ports.find(({ pci_bridge }) => pci_bridge && !pci_bridge.devices?.length);
  if (free) return free.qdev_id;
  throw new MerapiError(
    'hypervisor',
    `All ${ports.length} PCIe ports of the guest for hotplugged devices are in use; restart the guest`,
  );
}

/** Asks the guest to release a device until it has, for at most `limit` ms. @throws MerapiError hypervisor */
async function removeDevice(monitor: Monitor, id: string, limit: number): Promise<void> {
  const end = performance.now() + limit;
  let asked = Number.NEGATIVE_INFINITY;
  for (let pause = 20; await hasDevice(monitor, id); pause = Math.min(pause * 1.5, 250)) {
    const now = performance.now();
    if (now >= end)
      throw new MerapiError(
        'hypervisor',
        `The guest has not released ${id} within ${limit / 1000} s; it may still be booting, or its operating system may not support that`,
      );
    if (now - asked >= ASK_AGAIN) {
      asked = now;
      await monitor.execute('device_del', { id }).catch(ignoreRepeated);
    }
    await sleep(pause);
  }
}

/** Ignores QEMU's refusal of a device_del while the device is being removed, or after it is gone. */
function ignoreRepeated(error: Error): void {
  if (!/in the process of unplug|not found/.test(error.message)) throw error;
}

/** Removes a block node; tries again while it is in use, because QEMU releases it only some time after the device is gone. */
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

/** Removes the back end of a NIC; nothing to do when there is none. */
async function removeNetdev(monitor: Monitor, id: string): Promise<void> {
  await monitor.execute('netdev_del', { id }).catch((error: Error) => {
    if (!/not found/.test(error.message)) throw error;
  });
}
