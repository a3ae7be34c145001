import { ALL, type LockPlan } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, optional } from '../../model/params.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { instancePlan } from '../locking.ts';

/** The parameters of every move of an instance's primary node. */
export const moveParams = {
  target_node: optional(maybe(kinds.name), null, 'The new node, where the disks leave a choice.'),
  target_node_uuid: optional(maybe(kinds.name), null, 'The new node by uuid; filled in.'),
  ignore_ipolicy: optional(kinds.bool, false, 'Do it even when that breaks the instance policy.'),
  cleanup: optional(
    kinds.bool,
    false,
    'Only put right what a move left behind that was cut off: the instance belongs to the node where it runs.',
  ),
  iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new node.'),
};

/** The instance, its nodes and the new one; every node where the new one is yet to be chosen. */
export function movePlan(
  params: { instance_name: string; target_node: string | null },
  view: ClusterView,
): LockPlan {
  const plan = instancePlan(view, params.instance_name, 'shared');
  const instance = hostNamed(view.instances, params.instance_name);
  const isFree = instance !== undefined && templates[instance.disk_template].shared;
  if (!isFree) return plan;
  const target = params.target_node === null ? null : hostNamed(view.nodes, params.target_node);
  const added = target ? [target.name] : [];
  return plan.map((wish) => {
    if (wish.level !== 'node') return wish;
    if (params.target_node === null) return { ...wish, names: ALL };
    return { ...wish, names: [...new Set([...wish.names, ...added])] };
  });
}
