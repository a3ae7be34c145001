// Hotplug: changes of devices that a running guest gets at once, without a restart.
//   hotplug               the guest must do each of them; otherwise the job fails
//   hotplug_if_possible   what the guest does not do takes effect at its next start; the result says so
//   neither               the same, but the result does not mention it
// A disk that the instance loses must be unplugged in any case, since its data is removed or free for others afterwards.

import { MerapiError } from '../../base/errors.ts';
import { fillNicParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import { instanceTarget } from '../../rpc/target.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import type { RunContext } from '../define.ts';
import type { DiskChanges } from './set-params-disks.ts';
import type { Request } from './set-params-values.ts';

/** One change of a device of a running guest. Its fields are part of the stored facts. */
export interface HotplugAction {
  /** The name of the device in the job's result. */
  label: string;
  /** The uuid of the disk or NIC. */
  device: string;
  does: 'plug' | 'unplug' | 'replug';
  /** Whether the job fails when the guest does not do it. */
  isStrict: boolean;
  /** Whether the job's result says how it went. */
  isTold: boolean;
}

/** The changes of devices for a running guest, in the order in which they are made: lost disks, NICs, new disks. */
export function hotplugActions(
  view: ClusterView,
  instance: Instance,
  { hotplug, hotplug_if_possible }: Request,
  changes: { disks: DiskChanges | null; nics: readonly Nic[] | null },
): HotplugAction[] {
  const options = { isStrict: hotplug, isTold: hotplug || hotplug_if_possible };
  const { disks } = changes;
  const before = view.disksOf(instance);
  const lost = before.flatMap(({ uuid: device }, index): HotplugAction[] => {
    if (!disks || disks.disks.some(({ uuid }) => uuid === device)) return [];
    return [{ ...options, label: `disk/${index}`, device, does: 'unplug', isStrict: true }];
  });
  const gained = (disks?.disks ?? []).flatMap(({ uuid: device }, index): HotplugAction[] => {
    if (before.some(({ uuid }) => uuid === device)) return [];
    return [{ ...options, label: `disk/${index}`, device, does: 'plug' }];
  });
  const nics = nicActions(view, instance.nics, changes.nics).map((wire) => ({ ...wire, ...options }));
  return [...lost, ...nics, ...gained];
}

type NicAction = Pick<HotplugAction, 'label' | 'device' | 'does'>;

function nicActions(view: ClusterView, before: readonly Nic[], after: readonly Nic[] | null): NicAction[] {
  if (!after) return [];
  const lost = before.flatMap(({ uuid: device }, index): NicAction[] =>
    after.some(({ uuid }) => uuid === device) ? [] : [{ label: `NIC/${index}`, device, does: 'unplug' }],
  );
  const others = after.flatMap((nic, index): NicAction[] => {
    const old = before.find(({ uuid }) => uuid === nic.uuid);
    if (!old) return [{ label: `nic.${index}`, device: nic.uuid, does: 'plug' }];
    if (linkOf(view, old) === linkOf(view, nic)) return [];
    return [{ label: `nic/${index}`, device: nic.uuid, does: 'replug' }];
  });
  return [...lost, ...others];
}

/** All of a NIC that guest and host depend on, as a text: if it differs, the NIC must be plugged again. */
function linkOf(view: ClusterView, nic: Nic): string {
  const { mode, link, vlan } = fillNicParams(view.cluster, nic);
  return JSON.stringify([nic.mac, nic.network, mode, link, vlan]);
}

/**
 * Makes the changes of devices in the running guest; call it after they are recorded. `before` is the instance before the changes.
 * Returns the entries of the job's result.
 * @throws MerapiError when a guest does not do what it must
 */
export async function runHotplug(
  context: RunContext,
  node: Node,
  before: InstanceTarget,
  wires: readonly HotplugAction[],
): Promise<[string, string][]> {
  if (wires.length === 0) return [];
  const after = await context.step('target', ({ view }) => {
    const instance = view.instances.get(before.uuid);
    return instance ? instanceTarget(view, instance, view.disksOf(instance)) : before;
  });
  const told: [string, string][] = [];
  for (const wire of wires) {
    const { device, does } = wire;
    const done = await attempted(context, wire, async () => {
      if (does !== 'plug')
        await context.call(`unplug/${device}`, node, 'instance.unplug', { instance: before, device }, [
          { call: 'instance.plug', params: { instance: before, device } },
        ]);
      if (does !== 'unplug')
        await context.call(`plug/${device}`, node, 'instance.plug', { instance: after, device }, [
          { call: 'instance.unplug', params: { instance: after, device } },
        ]);
    });
    if (wire.isTold) told.push([wire.label, done ? 'hotplug:done' : 'hotplug:failed']);
  }
  return told;
}

/** Whether the guest did what it was asked; a failure is logged. @throws MerapiError the failure, if the change is strict */
async function attempted(
  context: RunContext,
  { label, isStrict }: HotplugAction,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    // Other errors mean that the job cannot go on at all.
    if (!(error instanceof MerapiError)) throw error;
    if (isStrict)
      throw new MerapiError(error.code, `${label}: ${error.message}. Shut the instance down to change this`, {
        cause: error,
      });
    context.log(`${label}: ${error.message}. The change takes effect at the next start of the guest`);
    return false;
  }
}
