import { MerapiError } from '../base/errors.ts';
import { groupNamed } from '../model/find.ts';
import type { Instance } from '../model/instance.ts';
import { nodesOf } from '../model/mirror.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { ClusterView } from '../model/view.ts';

/** The node groups (uuids) that an instance has nodes of. */
export function groupsOf(view: ClusterView, instance: Instance): string[] {
  return [...new Set(nodesOf(view, instance).flatMap((uuid) => view.nodes.get(uuid)?.group ?? []))];
}

/**
 * The node groups that a request names as targets, or all that are none of those that are left (uuids).
 * @throws MerapiError not_found; wrong_input when one is left, or when there is none
 */
export function targetGroups(
  view: ClusterView,
  wished: readonly string[] | null,
  left: readonly string[],
): NodeGroup[] {
  if (wished === null || wished.length === 0) {
    const others = view.groups.list().filter(({ uuid }) => !left.includes(uuid));
    if (others.length > 0) return others;
    throw new MerapiError('wrong_input', 'There is no other node group to go to');
  }
  const groups = [...new Set(wished.map((name) => groupNamed(view, name)))];
  const own = groups.find(({ uuid }) => left.includes(uuid));
  if (own) throw new MerapiError('wrong_input', `Group ${own.name} is to be left, so it cannot be a target`);
  return groups;
}
