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

/** A device that a running guest is to get, to give up, or to have in another form. */
export interface HotplugAction {
  /** What the job's result calls it. */
  label: string;
  device: string;
  does: 'plug' | 'unplug' | 'replug';
  /** Whether the job fails when the guest does not do it. */
  isStrict: boolean;
  /** Whether the result tells how it went. */
  isTold: boolean;
}

/**
 * What a running guest is to do for changes of the devices of its instance. With `hotplug` it must; otherwise what it does
 * not do waits for its next start, but for disks that it loses: those it must give up.
 */
export function hotplugActions(
  view: ClusterView,
  instance: Instance,
  { hotplug, hotplug_if_possible }: Request,
  changes: { disks: DiskChanges | null; nics: readonly Nic[] | null },
): HotplugAction[] {
  const how = { isStrict: hotplug, isTold: hotplug || hotplug_if_possible };
  const { disks } = changes;
  const before = view.disksOf(instance);
  const lost = before.flatMap(({ uuid: device }, index): HotplugAction[] => {
    if (!disks || disks.disks.some(({ uuid }) => uuid === device)) return [];
    return [{ ...how, label: `disk/${index}`, device, does: 'unplug', isStrict: true }];
  });
  const gained = (disks?.disks ?? []).flatMap(({ uuid: device }, index): HotplugAction[] => {
    if (before.some(({ uuid }) => uuid === device)) return [];
    return [{ ...how, label: `disk/${index}`, device, does: 'plug' }];
  });
  const nics = nicActions(view, instance.nics, changes.nics).map((wire) => ({ ...wire, ...how }));
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

/** All of a NIC that its guest and its host must know. */
function linkOf(view: ClusterView, nic: Nic): string {
  const { mode, link, vlan } = fillNicParams(view.cluster, nic);
  return JSON.stringify([nic.mac, nic.network, mode, link, vlan]);
}

/**
 * Has the running guest do it, when the changes are recorded; answers what the result tells.
 * @throws MerapiError hypervisor when it does not do what it must
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

/** Whether a guest did what it was asked. */
async function attempted(
  context: RunContext,
  { label, isStrict }: HotplugAction,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    // Anything else means that the job stops where it stands.
    if (!(error instanceof MerapiError)) throw error;
    if (isStrict)
      throw new MerapiError(error.code, `${label}: ${error.message}. Shut the instance down to change this`, {
        cause: error,
      });
    context.log(`${label}: ${error.message}. The change counts from the next start of the guest`);
    return false;
  }
}
