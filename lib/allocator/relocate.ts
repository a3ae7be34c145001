import { templates } from '../model/templates/index.ts';
import { allocate } from './allocate.ts';
import type { Allocation, AllocatorCluster, AllocatorInstance } from './model.ts';
import { takenAway } from './moves.ts';

/** What bounds the choice of a new node. */
export interface RelocateOptions {
  /** Nodes (uuids) that must not be taken, beside the one that is left. */
  readonly exclude?: readonly string[];
  readonly ignore_ipolicy?: boolean;
  readonly ignore_soft_errors?: boolean;
}

/**
 * Chooses a new node of its group for an instance: a new secondary where its disks are mirrored between two nodes (it need not
 * have one yet), a new primary where they are on every node. Both nodes are answered, the primary first.
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
  return allocate(takenAway(cluster, instance), {
    ...instance,
    ...options,
    groups: [node.group],
    any_policy: true,
    required_nodes: isMirrored ? 2 : 1,
    primary: isMirrored ? primary : undefined,
    exclude: [...(options.exclude ?? []), ...(left === null ? [] : [left])],
  });
}

/** Why an instance cannot leave its node. */
export function aloneText({ disk_template }: AllocatorInstance, node: string): string {
  return `its disks (${disk_template}) are on ${node} alone`;
}

/** That there is no place. */
export function refusal(...reasons: string[]): Allocation {
  return { ok: false, reasons, temporary: false };
}
