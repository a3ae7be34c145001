import { ALL, type LockPlan } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, optional } from '../../model/params.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { instancePlan } from '../locking.ts';

/** The parameters of every move of an instance's primary node. */
export const moveParams = {
  target_node: optional(maybe(kinds.name), null, 'The new node, if the disk template allows a choice.'),
  target_node_uuid: optional(maybe(kinds.name), null, 'The new node by uuid; filled in.'),
  ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
  cleanup: optional(
    kinds.bool,
    false,
    'Only clean up after an interrupted move: the instance then belongs to the node on which it runs.',
  ),
  iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new node.'),
};

/** Locks the instance, its nodes and the new node; all nodes if the new one must still be chosen. */
export function movePlan(
  params: { instance_name: string; target_node: string | null },
  view: ClusterView,
): LockPlan {
  const plan = instancePlan(view, params.instance_name, 'shared');
  const instance = hostNamed(view.instances, params.instance_name);
  const hasChoice = instance !== undefined && templates[instance.disk_template].shared;
  if (!hasChoice) return plan;
  const target = params.target_node === null ? null : hostNamed(view.nodes, params.target_node);
  const added = target ? [target.name] : [];
  return plan.map((wish) => {
    if (wish.level !== 'node') return wish;
    if (params.target_node === null) return { ...wish, names: ALL };
    return { ...wish, names: [...new Set([...wish.names, ...added])] };
  });
}
