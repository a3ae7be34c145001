// OP_INSTANCE_REPLACE_DISKS: rebuilds one side of mirrored disks, on the same node or on a new secondary node (see replace-plan.ts).
// At every moment one side has all data: planReplacement() has checked the side that stays, and it is not touched.

import type { Disk } from '../../model/disk.ts';
import type { DiskNodes } from '../../model/mirror.ts';
import { changed } from '../../model/object.ts';
import { instanceReplaceDisks as opcode } from '../../opcodes/instance/replace-disks.ts';
import { diskTarget } from '../../rpc/target.ts';
import { put } from '../../store/changes.ts';
import { type Build, defineUnit, type RunContext } from '../define.ts';
import { onNodes } from '../devices/disks.ts';
import { hooksOfInstance } from '../hooks/hooks.ts';
import { activateDisks, deactivateDisks } from '../steps/disk-work.ts';
import { reserveMirrors, waitForSync } from '../steps/mirrors.ts';
import { setDisksActive } from '../steps/running.ts';
import { type Plan, planReplacement } from './replace-plan.ts';

export const instanceReplaceDisks = defineUnit(opcode, {
  check: planReplacement,

  hooks: (view, { uuid, nodes, fresh }, { mode }) => {
    const instance = view.instances.get(uuid);
    if (!instance) return null;
    const old = nodes.secondary;
    const env = { MODE: mode, NEW_SECONDARY: fresh?.name, OLD_SECONDARY: old?.name };
    const places = [nodes.primary, old, fresh].flatMap((node) => node?.uuid ?? []);
    return hooksOfInstance(view, 'mirrors-replace', instance, { env, pre: places });
  },

  async run(context, plan, params) {
    const { uuid, disks } = plan;
    const now = context.clock.seconds();
    if (disks.length === 0) {
      context.log('No disk is lost: there is nothing to replace');
      return { result: null };
    }
    const after =
      plan.side === 'new'
        ? await replaceSecondary(context, plan, params.early_release)
        : await replaceSide(context, plan, plan.side);
    return {
      result: null,
      changes: (view) => [
        ...touched(after, uuid, now)(view),
        ...setDisksActive(uuid, plan.wasActive, now)(view),
      ],
    };
  },
});

/** The change that gives these disks and their instance a new serial number and time, for clients that watch for changes. */
function touched(disks: readonly Disk[], uuid: string, now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    const current = disks.flatMap((disk) => view.disk(disk.uuid) ?? []);
    return [
      ...current.map((disk) => put('disk', changed(disk, {}, now))),
      ...(instance ? [put('instance', changed(instance, {}, now))] : []),
    ];
  };
}

/**
 * Rebuilds one side on its node. Removed data cannot be restored, but the other side has all data: after a failure the instance is as
 * before, but with this side lost, and the same job submitted again repairs it.
 */
async function replaceSide(
  context: RunContext,
  { nodes, disks, wasActive }: Plan,
  side: 'primary' | 'secondary',
): Promise<readonly Disk[]> {
  const node = nodes[side];
  if (!node) return [];
  const isPrimary = side === 'primary';
  context.log(`Rebuilding the side of ${disks.length} disk${disks.length > 1 ? 's' : ''} on ${node.name}`);
  for (const [index, target] of disks.map(diskTarget).entries()) {
    const step = (verb: string) => `side/${index}/${verb}`;
    await context.call(step('deactivate'), node, 'disk.deactivate', { disk: target }, [
      ...(wasActive
        ? [{ call: 'disk.activate' as const, params: { disk: target, primary: isPrimary } }]
        : []),
    ]);
    // The undo of the removal creates an empty side, which gets its data from the other side.
    const creation = { disk: target };
    await context.call(step('remove'), node, 'disk.remove', { disk: target }, [
      { call: 'disk.create', params: creation },
    ]);
    await context.call(step('create'), node, 'disk.create', creation);
  }
  await synchronise(context, nodes, disks, disks, wasActive);
  return disks;
}

/**
 * Moves the secondary side to another node and removes it from the old one: after the synchronisation, or with `early` before it.
 * While the old node is offline, the removal is a duty.
 */
async function replaceSecondary(
  context: RunContext,
  { nodes: before, fresh, disks: old, wasActive }: Plan,
  early: boolean,
): Promise<readonly Disk[]> {
  const { primary, secondary } = before;
  if (!fresh) return [];
  const nodes = { primary, secondary: fresh };
  const disks = await reserveMirrors(context, onNodes(old, primary.uuid, fresh.uuid), old);
  const targets = disks.map(diskTarget);
  context.log(
    `Creating the secondary side of ${disks.length} disk${disks.length > 1 ? 's' : ''} on ${fresh.name}`,
  );
  for (const [index, disk] of targets.entries())
    await context.call(`new/${index}/create`, fresh, 'disk.create', { disk }, [
      { call: 'disk.remove', params: { disk } },
    ]);
  const isOldOffline = secondary?.offline === true;
  if (secondary && !isOldOffline)
    for (const [index, disk] of old.map(diskTarget).entries())
      await context.call(`old/${index}/deactivate`, secondary, 'disk.deactivate', { disk }, [
        ...(wasActive ? [{ call: 'disk.activate' as const, params: { disk, primary: false } }] : []),
      ]);
  const release = async () => {
    if (!secondary) return;
    if (isOldOffline)
      context.log(
        `Node ${secondary.name} is offline: its side of the disks is removed when it answers again`,
      );
    for (const [index, disk] of old.map(diskTarget).entries()) {
      // After an early release the undo creates an empty side, which is then synchronised again.
      const undo = [{ call: 'disk.create' as const, params: { disk } }];
      await context.attempt(
        `old/${index}/remove`,
        secondary,
        'disk.remove',
        { disk },
        isOldOffline ? {} : { undo },
      );
    }
  };
  if (early) await release();
  await synchronise(context, nodes, disks, old, wasActive);
  if (!early) await release();
  return disks;
}

/**
 * Activates the disks on both sides and waits until they are in sync; deactivates them again if they were not in use. `before` are the
 * disks as they were before the replacement.
 */
async function synchronise(
  context: RunContext,
  nodes: DiskNodes,
  disks: readonly Disk[],
  before: readonly Disk[],
  wasActive: boolean,
): Promise<void> {
  const targets = disks.map(diskTarget);
  await activateDisks(context, nodes, targets, { prefix: 'sync', wasActive, before: before.map(diskTarget) });
  await waitForSync(context, nodes.primary, disks);
  if (!wasActive) await deactivateDisks(context, nodes, targets, { prefix: 'sync', isFinal: true });
}
