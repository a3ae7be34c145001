import type { Instance } from '../../model/instance.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { RunContext } from '../define.ts';
import { primaryOf } from './find.ts';

/** The nodes that hold an instance's disks; a secondary only where they are mirrored. */
export interface DiskNodes {
  primary: Node;
  secondary: Node | null;
}

/** The nodes of an instance. @throws MerapiError unknown_entity */
export function diskNodesOf(view: ClusterView, instance: Instance): DiskNodes {
  const secondary = secondaryOf(view, instance);
  return {
    primary: primaryOf(view, instance),
    secondary: secondary === null ? null : (view.nodes.get(secondary) ?? null),
  };
}

/** How a step that may fail is made, see createDisks() and removeDisks(). */
export type Attempt = (step: () => Promise<unknown>) => Promise<void>;

/** Whether a disk's data was there before Merapi and stays when Merapi leaves it. */
const isForeign = (disk: DiskTarget) => disk.dev_type === 'blockdev';

/** The nodes on which the data of a disk is, with a word for each in the names of steps. */
function sidesOf(disk: DiskTarget, { primary, secondary }: DiskNodes): [Node, string][] {
  const sides: [Node, string][] = [[primary, '']];
  if (secondary && disk.dev_type === 'drbd') sides.push([secondary, '/secondary']);
  return sides;
}

/** Makes the data of new disks on all their nodes; undone by removing it. `prefix` begins the names of the steps. */
export async function createDisks(
  context: RunContext,
  nodes: DiskNodes,
  disks: readonly DiskTarget[],
  instance_name: string,
  prefix = 'disk',
): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    if (isForeign(disk)) continue;
    for (const [node, side] of sidesOf(disk, nodes))
      await context.call(`${prefix}/${index}/create${side}`, node, 'disk.create', { disk, instance_name }, [
        { call: 'disk.remove', params: { disk } },
      ]);
  }
}

/** Removes the data of disks on all their nodes, for good; that of adopted devices stays. */
export async function removeDisks(
  context: RunContext,
  nodes: DiskNodes,
  disks: readonly DiskTarget[],
  attempt: Attempt = async (step) => void (await step()),
  prefix = 'disk',
): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    if (isForeign(disk)) continue;
    for (const [node, side] of sidesOf(disk, nodes))
      await attempt(() => context.call(`${prefix}/${index}/remove${side}`, node, 'disk.remove', { disk }));
  }
}

const mirrored = (disks: readonly DiskTarget[]) =>
  [...disks.entries()].filter(([, disk]) => disk.dev_type === 'drbd');

/**
 * Makes disks ready for their guest. Only mirrored ones need it: first the receiving side, then that of the guest. Without a
 * secondary node (one that is offline) they work degraded. `wasActive` leaves them active when the job fails.
 */
export async function activateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  { prefix = 'disk', wasActive = false }: { prefix?: string; wasActive?: boolean } = {},
): Promise<void> {
  for (const [index, disk] of mirrored(disks)) {
    const undo = wasActive ? [] : [{ call: 'disk.deactivate' as const, params: { disk } }];
    if (secondary)
      await context.call(
        `${prefix}/${index}/activate/secondary`,
        secondary,
        'disk.activate',
        { disk, primary: false },
        undo,
      );
    await context.call(
      `${prefix}/${index}/activate`,
      primary,
      'disk.activate',
      { disk, primary: true },
      undo,
    );
  }
}

/** Ends the use of disks that no guest uses any more; undone by making them ready again, unless `isFinal`. */
export async function deactivateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  {
    prefix = 'disk',
    isFinal = false,
    attempt = async (step) => void (await step()),
  }: { prefix?: string; isFinal?: boolean; attempt?: Attempt } = {},
): Promise<void> {
  const undo = (disk: DiskTarget, isPrimary: boolean) =>
    isFinal ? [] : [{ call: 'disk.activate' as const, params: { disk, primary: isPrimary } }];
  for (const [index, disk] of mirrored(disks)) {
    await attempt(() =>
      context.call(`${prefix}/${index}/deactivate`, primary, 'disk.deactivate', { disk }, undo(disk, true)),
    );
    if (secondary)
      await attempt(() =>
        context.call(
          `${prefix}/${index}/deactivate/secondary`,
          secondary,
          'disk.deactivate',
          { disk },
          undo(disk, false),
        ),
      );
  }
}

/** The nodes without a secondary one that is offline. */
export function withoutOffline({ primary, secondary }: DiskNodes): DiskNodes {
  return { primary, secondary: secondary?.offline ? null : secondary };
}
