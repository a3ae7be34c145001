// The groups of instances, and the groups to which requests move instances.

import { MerapiError } from '../base/errors.ts';
import { groupNamed } from '../model/find.ts';
import type { Instance } from '../model/instance.ts';
import { nodesOf } from '../model/mirror.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { ClusterView } from '../model/view.ts';

/** The groups (uuids) of an instance's nodes, each once. */
export function groupsOf(view: ClusterView, instance: Instance): string[] {
  return [...new Set(nodesOf(view, instance).flatMap((uuid) => view.nodes.get(uuid)?.group ?? []))];
}

/**
 * The target groups for instances that leave the groups `sources` (uuids): those with the requested names, or all others.
 * @throws MerapiError not_found; wrong_input when a source is requested as target, or there is no other group
 */
export function targetGroups(
  view: ClusterView,
  requested: readonly string[] | null,
  sources: readonly string[],
): NodeGroup[] {
  if (requested === null || requested.length === 0) {
    const others = view.groups.list().filter(({ uuid }) => !sources.includes(uuid));
    if (others.length > 0) return others;
    throw new MerapiError('wrong_input', 'There is no other node group to which instances could be moved');
  }
  const groups = [...new Set(requested.map((name) => groupNamed(view, name)))];
  const source = groups.find(({ uuid }) => sources.includes(uuid));
  if (source)
    throw new MerapiError(
      'wrong_input',
      `Group ${source.name} is the one that instances leave, so it cannot be a target`,
    );
  return groups;
}
