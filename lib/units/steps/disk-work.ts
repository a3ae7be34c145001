import type { DiskNodes } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { isMirrored, templates } from '../../model/templates/index.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { RunContext } from '../define.ts';
import { tolerant } from './tolerant.ts';

/** Whether a disk's data was there before Merapi and stays when Merapi leaves it. */
const isForeign = (disk: DiskTarget) => templates[disk.dev_type].foreign;

/** The nodes on which the data of a disk is, with a word for each in the names of steps. */
function sidesOf(disk: DiskTarget, { primary, secondary }: DiskNodes): [Node, string][] {
  const sides: [Node, string][] = [[primary, '']];
  if (secondary && isMirrored(disk.dev_type)) sides.push([secondary, '/secondary']);
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

/**
 * Removes the data of disks on all their nodes, for good; that of adopted devices stays. It is the point of no return: what cannot be
 * removed now becomes a duty. With `refusable` a node that says no to the first removal makes the opcode fail, for all is there then.
 */
export async function removeDisks(
  context: RunContext,
  nodes: DiskNodes,
  disks: readonly DiskTarget[],
  { prefix = 'disk', refusable = false }: { prefix?: string; refusable?: boolean } = {},
): Promise<void> {
  let isFirst = true;
  for (const [index, disk] of disks.entries()) {
    if (isForeign(disk)) continue;
    for (const [node, side] of sidesOf(disk, nodes)) {
      context.noReturn();
      const options = { refusable: refusable && isFirst };
      await context.attempt(`${prefix}/${index}/remove${side}`, node, 'disk.remove', { disk }, options);
      isFirst = false;
    }
  }
}

const activated = (disks: readonly DiskTarget[]) =>
  [...disks.entries()].filter(([, disk]) => templates[disk.dev_type].activated);

/**
 * Makes disks ready for their guest, as far as their template needs that; of mirrored ones first the receiving side. Without a
 * secondary node (one that is offline) they work degraded, and with `mayLack` when the receiving side fails as well. `wasActive` leaves
 * them active when the job fails: as those that they were before, where these are given.
 */
export async function activateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  {
    prefix = 'disk',
    wasActive = false,
    before = [],
    mayLack = false,
  }: { prefix?: string; wasActive?: boolean; before?: readonly DiskTarget[]; mayLack?: boolean } = {},
): Promise<void> {
  const attempt = tolerant(context, mayLack);
  for (const [index, disk] of activated(disks)) {
    const undo = wasActive ? [] : [{ call: 'disk.deactivate' as const, params: { disk } }];
    const old = before[index];
    const back = old && { call: 'disk.activate' as const, params: { disk: old, primary: true } };
    if (secondary && isMirrored(disk.dev_type))
      await attempt(() =>
        context.call(
          `${prefix}/${index}/activate/secondary`,
          secondary,
          'disk.activate',
          { disk, primary: false },
          undo,
        ),
      );
    await context.call(
      `${prefix}/${index}/activate`,
      primary,
      'disk.activate',
      { disk, primary: true },
      wasActive && back ? [back] : undo,
    );
  }
}

/**
 * Ends the use of disks that no guest uses any more; undone by making them ready again, unless `isFinal`. With `isOwed` it is no reason
 * to fail that it cannot be done now.
 */
export async function deactivateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  {
    prefix = 'disk',
    isFinal = false,
    isOwed = false,
  }: { prefix?: string; isFinal?: boolean; isOwed?: boolean } = {},
): Promise<void> {
  const undo = (disk: DiskTarget, isPrimary: boolean) =>
    isFinal ? [] : [{ call: 'disk.activate' as const, params: { disk, primary: isPrimary } }];
  const end = async (name: string, node: Node, disk: DiskTarget, isPrimary: boolean) => {
    const reverse = undo(disk, isPrimary);
    if (isOwed) await context.attempt(name, node, 'disk.deactivate', { disk }, { undo: reverse });
    else await context.call(name, node, 'disk.deactivate', { disk }, reverse);
  };
  for (const [index, disk] of activated(disks)) {
    await end(`${prefix}/${index}/deactivate`, primary, disk, true);
    if (secondary && isMirrored(disk.dev_type))
      await end(`${prefix}/${index}/deactivate/secondary`, secondary, disk, false);
  }
}

/** The nodes without a secondary one that is offline, which never keeps the primary one from its work: the log tells of it. */
export function withoutOffline({ primary, secondary }: DiskNodes, log: (text: string) => void): DiskNodes {
  if (!secondary?.offline) return { primary, secondary };
  log(`Secondary node ${secondary.name} is offline: its side of the disks is left as it is`);
  return { primary, secondary: null };
}
