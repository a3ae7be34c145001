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
      context.log('All disks are fine: there is nothing to replace');
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

/** The change that records that these disks of an instance are other ones now. */
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
 * Rebuilds one side on its own node. What is removed there cannot be brought back, but the other side has all data all the
 * time: after a failure the instance is as it was with that side lost, and the same job done again makes it good.
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
    // The other side has all data: what reverses the removal is an empty side, which gets it from there.
    const made = { disk: target, instance_name: target.uuid };
    await context.call(step('remove'), node, 'disk.remove', { disk: target }, [
      { call: 'disk.create', params: made },
    ]);
    await context.call(step('create'), node, 'disk.create', made);
  }
  await synchronise(context, nodes, disks, disks, wasActive);
  return disks;
}

/** Puts the secondary side on another node, and removes it from the old one as far as that can be reached. */
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
    `Making the second side of ${disks.length} disk${disks.length > 1 ? 's' : ''} on ${fresh.name}`,
  );
  for (const [index, disk] of targets.entries())
    await context.call(`new/${index}/create`, fresh, 'disk.create', { disk, instance_name: disk.uuid }, [
      { call: 'disk.remove', params: { disk } },
    ]);
  const isGone = secondary?.offline === true;
  if (secondary && !isGone)
    for (const [index, disk] of old.map(diskTarget).entries())
      await context.call(`old/${index}/deactivate`, secondary, 'disk.deactivate', { disk }, [
        ...(wasActive ? [{ call: 'disk.activate' as const, params: { disk, primary: false } }] : []),
      ]);
  const release = async () => {
    if (!secondary) return;
    if (isGone)
      context.log(
        `Node ${secondary.name} is offline: what it holds of the disks is removed when it answers again`,
      );
    for (const [index, disk] of old.map(diskTarget).entries()) {
      // After an early release an undo leaves a side that gets its data again.
      const undo = [{ call: 'disk.create' as const, params: { disk, instance_name: disk.uuid } }];
      await context.attempt(
        `old/${index}/remove`,
        secondary,
        'disk.remove',
        { disk },
        isGone ? {} : { undo },
      );
    }
  };
  if (early) await release();
  await synchronise(context, nodes, disks, old, wasActive);
  if (!early) await release();
  return disks;
}

/** Lets the sides of disks become the same; disks that were not in use are so only meanwhile. `before` are the disks as they were. */
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
