// Plugs and unplugs the devices of an instance: prepares or removes what they need on the host, and returns the instance as the guest has
// it afterwards, for its record. hotplug.ts has QEMU's part of it.
import { MerapiError } from '../../../base/errors.ts';
import type { DiskTarget, InstanceTarget, NicTarget } from '../../../rpc/types.ts';
import type { DeviceToPlug, DeviceToUnplug, GuestNetwork } from '../define.ts';
import { locationOf } from './blocks.ts';
import { plugDisk, plugNic, unplugDisk, unplugNic } from './hotplug.ts';
import { readParams } from './params.ts';
import type { Monitor } from './qmp.ts';

interface PlugOptions<D> {
  /** The instance with the device. */
  instance: InstanceTarget;
  device: D;
  network: GuestNetwork;
  /** Milliseconds that the guest gets to release a device. */
  patience: number;
}

/** Adds a device to a running guest; returns `guest` with it. @throws MerapiError hypervisor, or as GuestNetwork.plug() */
export async function plug(
  monitor: Monitor,
  guest: InstanceTarget,
  { instance, device, network }: PlugOptions<DeviceToPlug>,
): Promise<InstanceTarget> {
  const params = readParams(guest);
  if (device.disk) {
    await plugDisk(monitor, params, device.disk, await locationOf(device.source));
    return withDevice(guest, device.disk, { disk: device.disk });
  }
  const nic = nicOf(instance, device.nic);
  try {
    await plugNic(monitor, params, nic, await network.plug(instance, device.nic));
  } catch (error) {
    await network.unplug(instance.uuid, nic.uuid);
    throw error;
  }
  return withDevice(guest, nic, { nic });
}

/** Removes a device from a running guest; returns `guest` without it. @throws MerapiError hypervisor, or as GuestNetwork.unplug() */
export async function unplug(
  monitor: Monitor,
  guest: InstanceTarget,
  { instance, device, network, patience }: PlugOptions<DeviceToUnplug>,
): Promise<InstanceTarget> {
  if (device.disk) {
    await unplugDisk(monitor, device.disk, device.path, patience);
    return withDevice(guest, device.disk);
  }
  const nic = nicOf(instance, device.nic);
  await unplugNic(monitor, nic, patience);
  await network.unplug(instance.uuid, nic.uuid);
  return withDevice(guest, nic);
}

function nicOf(instance: InstanceTarget, index: number): NicTarget {
  const nic = instance.nics[index];
  if (nic) return nic;
  throw new MerapiError('internal_error', `Instance ${instance.name} has no NIC ${index}`);
}

/** The guest with the device of this uuid removed and, if one is given, the new device added at the end. */
function withDevice(
  guest: InstanceTarget,
  { uuid }: { uuid: string },
  added: { disk?: DiskTarget; nic?: NicTarget } = {},
): InstanceTarget {
  const updated = <T extends { uuid: string }>(devices: readonly T[], extra: T | undefined) => [
    ...devices.filter((each) => each.uuid !== uuid),
    ...(extra ? [extra] : []),
  ];
  return { ...guest, disks: updated(guest.disks, added.disk), nics: updated(guest.nics, added.nic) };
}
