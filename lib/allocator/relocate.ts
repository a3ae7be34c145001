import { templates } from '../model/templates/index.ts';
import { allocate } from './allocate.ts';
import type { Allocation, AllocatorCluster, AllocatorInstance } from './model.ts';
import { withoutInstance } from './moves.ts';

/** Restrictions of the choice of a new node. */
export interface RelocateOptions {
  /** Nodes (uuids) that must not be used, besides the one that the instance leaves. */
  readonly exclude?: readonly string[];
  readonly ignore_ipolicy?: boolean;
  readonly ignore_soft_errors?: boolean;
}

/**
 * Chooses a new node in its group for an instance: a new secondary when its disks are mirrored between two nodes (it need not have one
 * yet), a new primary when its disks are shared. The answer has all of its nodes, the primary first.
 */
export function relocate(
  cluster: AllocatorCluster,
  instance: AllocatorInstance,
  options: RelocateOptions = {},
): Allocation {
  const { primary, secondary } = instance;
  const { mirrored: isMirrored, shared } = templates[instance.disk_template];
  const node = cluster.nodes.find(({ uuid }) => uuid === primary);
  if (!node) return refusal('its primary node is not known');
  if (!isMirrored && !shared) return refusal(aloneText(instance, node.name));
  const left = isMirrored ? secondary : primary;
  return allocate(withoutInstance(cluster, instance), {
    ...instance,
    ...options,
    groups: [node.group],
    any_policy: true,
    required_nodes: isMirrored ? 2 : 1,
    primary: isMirrored ? primary : undefined,
    exclude: [...(options.exclude ?? []), ...(left === null ? [] : [left])],
  });
}

/** Why an instance cannot leave its node: its disks are neither mirrored nor shared. */
export function aloneText({ disk_template }: AllocatorInstance, node: string): string {
  return `its disks (${disk_template}) are on ${node} alone`;
}

/** An allocation that failed for these reasons, not temporarily. */
export function refusal(...reasons: string[]): Allocation {
  return { ok: false, reasons, temporary: false };
}
