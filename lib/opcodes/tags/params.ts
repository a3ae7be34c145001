import { type NamedRef, namedKindOf } from '../../model/access.ts';
import { type LockPlan, type LockWish, tagsLock } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { type TagKind, tagKinds } from '../../model/tag.ts';
import type { ClusterView } from '../../model/view.ts';
import { clusterShared } from '../locking.ts';
import { named, theCluster } from '../objects.ts';

/** The parameters of the opcodes that change tags. */
export const tagParams = {
  kind: required(oneOf(tagKinds), 'The kind of the object.'),
  tags: required(kinds.texts, 'The tags.'),
  name: optional(maybe(kinds.text), null, 'The object; null for the cluster.'),
};

/**
 * Changes of the tags of one object exclude each other by a lock of the level `tags`, so they run in the order of submission. The object
 * itself is only locked as shared, so that it is not removed or renamed: a change of the tags of the cluster, a group, network or node
 * neither waits for jobs of instances nor delays them. For an instance its own exclusive lock does all this.
 */
export function tagPlan(params: { kind: TagKind; name: string | null }, view: ClusterView): LockPlan {
  const { kind } = params;
  const given = params.name ?? '';
  if (kind === 'instance')
    return [
      clusterShared,
      { level: kind, names: [hostNamed(view.instances, given)?.name ?? given], mode: 'exclusive' },
    ];
  const name = kind === 'node' ? (hostNamed(view.nodes, given)?.name ?? given) : given;
  const tags: LockWish = { level: 'tags', names: [tagsLock(kind, name)], mode: 'exclusive' };
  return kind === 'cluster'
    ? [clusterShared, tags]
    : [clusterShared, { level: kind, names: [name], mode: 'shared' }, tags];
}

/** The object whose tags are changed. */
export function taggedObject(
  { kind, name }: { kind?: unknown; name?: unknown },
  view: ClusterView,
): NamedRef[] {
  if (kind === 'cluster') return [theCluster];
  return [named(view, namedKindOf(kind as Exclude<TagKind, 'cluster'>), String(name ?? ''))];
}
