// Steps on the disks of an instance: create, remove, activate and deactivate their data on all nodes that hold it.
// Disks of a foreign template (adopted devices) are neither created nor removed; only templates that need it are activated.
// The names of the steps, `PREFIX/INDEX/VERB` and for the secondary node `…/secondary`, are stored in journals: do not change them.

import type { DiskNodes } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { isMirrored, templates } from '../../model/templates/index.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { RunContext } from '../define.ts';
import { tolerant } from './tolerant.ts';

/** Whether a disk's data was there before Merapi and stays when Merapi leaves it. */
const isForeign = (disk: DiskTarget) => templates[disk.dev_type].foreign;

/** The nodes that hold the data of a disk, each with the suffix that it has in the names of steps. */
function sidesOf(disk: DiskTarget, { primary, secondary }: DiskNodes): [Node, string][] {
  const sides: [Node, string][] = [[primary, '']];
  if (secondary && isMirrored(disk.dev_type)) sides.push([secondary, '/secondary']);
  return sides;
}

/** Creates the data of new disks on all their nodes; the undo removes it. The names of the steps begin with `prefix`. */
export async function createDisks(
  context: RunContext,
  nodes: DiskNodes,
  disks: readonly DiskTarget[],
  prefix = 'disk',
): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    if (isForeign(disk)) continue;
    for (const [node, side] of sidesOf(disk, nodes))
      await context.call(`${prefix}/${index}/create${side}`, node, 'disk.create', { disk }, [
        { call: 'disk.remove', params: { disk } },
      ]);
  }
}

/**
 * Removes the data of disks on all their nodes; that of adopted devices stays. This is the point of no return: what cannot be removed
 * now becomes a duty. With `refusable` the opcode fails if a node refuses the first removal, since all data is still there then.
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

/** The disks whose template needs activation, with their indexes. */
const activated = (disks: readonly DiskTarget[]) =>
  [...disks.entries()].filter(([, disk]) => templates[disk.dev_type].activated);

interface ActivationOptions {
  /** The names of the steps begin with it. */
  prefix?: string;
  /** Whether the disks are in use already: then the undo does not deactivate them. */
  wasActive?: boolean;
  /** The same disks as they were before the job changed them; with `wasActive` the undo activates these. */
  before?: readonly DiskTarget[];
  /** Whether a failure of the secondary side is only logged; the disks then work degraded. */
  secondaryOptional?: boolean;
}

/**
 * Activates disks for a guest on the primary node, where their template needs that. Of mirrored disks the secondary side comes first;
 * without a secondary node (one that is offline) they work degraded.
 */
export async function activateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  { prefix = 'disk', wasActive = false, before = [], secondaryOptional = false }: ActivationOptions = {},
): Promise<void> {
  const attempt = tolerant(context, secondaryOptional);
  for (const [index, disk] of activated(disks)) {
    const undo = wasActive ? [] : [{ call: 'disk.deactivate' as const, params: { disk } }];
    const old = before[index];
    const reactivateOld = old && { call: 'disk.activate' as const, params: { disk: old, primary: true } };
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
      wasActive && reactivateOld ? [reactivateOld] : undo,
    );
  }
}

/**
 * Deactivates disks that no guest uses any more, the primary side first. The undo activates them again, unless `isFinal`. With
 * `asDuty` a failure does not fail the opcode, but becomes a duty.
 */
export async function deactivateDisks(
  context: RunContext,
  { primary, secondary }: DiskNodes,
  disks: readonly DiskTarget[],
  {
    prefix = 'disk',
    isFinal = false,
    asDuty = false,
  }: { prefix?: string; isFinal?: boolean; asDuty?: boolean } = {},
): Promise<void> {
  const undo = (disk: DiskTarget, isPrimary: boolean) =>
    isFinal ? [] : [{ call: 'disk.activate' as const, params: { disk, primary: isPrimary } }];
  const deactivate = async (name: string, node: Node, disk: DiskTarget, isPrimary: boolean) => {
    const reverse = undo(disk, isPrimary);
    if (asDuty) await context.attempt(name, node, 'disk.deactivate', { disk }, { undo: reverse });
    else await context.call(name, node, 'disk.deactivate', { disk }, reverse);
  };
  for (const [index, disk] of activated(disks)) {
    await deactivate(`${prefix}/${index}/deactivate`, primary, disk, true);
    if (secondary && isMirrored(disk.dev_type))
      await deactivate(`${prefix}/${index}/deactivate/secondary`, secondary, disk, false);
  }
}

/** The same nodes, but without a secondary node that is offline: it must not block work on the primary node. The log says so. */
export function withoutOffline({ primary, secondary }: DiskNodes, log: (text: string) => void): DiskNodes {
  if (!secondary?.offline) return { primary, secondary };
  log(`Secondary node ${secondary.name} is offline: its side of the disks is left as it is`);
  return { primary, secondary: null };
}
