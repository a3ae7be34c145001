import { MerapiError } from '../../../base/errors.ts';
import type { DiskTarget, InstanceTarget, NicTarget } from '../../../rpc/types.ts';
import type { GuestNetwork, LostDevice, NewDevice } from '../define.ts';
import { placeOf } from './blocks.ts';
import { plugDisk, plugNic, unplugDisk, unplugNic } from './hotplug.ts';
import { readParams } from './params.ts';
import type { Monitor } from './qmp.ts';

/** What is to be done with a running guest. */
interface Plugging<D> {
  instance: InstanceTarget;
  device: D;
  network: GuestNetwork;
  /** Milliseconds that the guest has to release a device. */
  patience: number;
}

/** Gives a running guest a device of the instance; returns the guest with it. @throws MerapiError */
export async function plug(
  monitor: Monitor,
  guest: InstanceTarget,
  { instance, device, network }: Plugging<NewDevice>,
): Promise<InstanceTarget> {
  const params = readParams(guest);
  if (device.disk) {
    await plugDisk(monitor, params, device.disk, await placeOf(device.source));
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

/** Removes a device that the instance has from a running guest; returns the guest without it. @throws MerapiError */
export async function unplug(
  monitor: Monitor,
  guest: InstanceTarget,
  { instance, device, network, patience }: Plugging<LostDevice>,
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

function withDevice(
  guest: InstanceTarget,
  { uuid }: { uuid: string },
  added: { disk?: DiskTarget; nic?: NicTarget } = {},
): InstanceTarget {
  const others = <T extends { uuid: string }>(devices: readonly T[], extra: T | undefined) => [
    ...devices.filter((each) => each.uuid !== uuid),
    ...(extra ? [extra] : []),
  ];
  return { ...guest, disks: others(guest.disks, added.disk), nics: others(guest.nics, added.nic) };
}
