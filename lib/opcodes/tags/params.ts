import { type NamedRef, namedKindOf } from '../../model/access.ts';
import type { LockPlan } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { type TagKind, tagKinds } from '../../model/tag.ts';
import type { ClusterView } from '../../model/view.ts';
import { clusterShared } from '../locking.ts';
import { named, theCluster } from '../objects.ts';

/** The parameters of the opcodes that change tags. */
export const tagParams = {
  kind: required(oneOf(tagKinds), 'What kind of object.'),
  tags: required(kinds.texts, 'The tags.'),
  name: optional(maybe(kinds.text), null, 'The object; nothing for the cluster.'),
};

/**
 * Nobody need wait for a change of tags, for it is made of those that the object has at that moment: it only must not be removed or
 * renamed meanwhile. So a tag of the cluster, a group, network or node waits for no job of an instance, and keeps none waiting.
 */
export function tagPlan(params: { kind: TagKind; name: string | null }, view: ClusterView): LockPlan {
  const name = params.name ?? '';
  if (params.kind === 'cluster') return [clusterShared];
  if (params.kind === 'instance')
    return [
      clusterShared,
      { level: 'instance', names: [hostNamed(view.instances, name)?.name ?? name], mode: 'exclusive' },
    ];
  return [clusterShared, { level: params.kind, names: [name], mode: 'shared' }];
}

/** The object that is to have other tags. */
export function taggedObject(
  { kind, name }: { kind?: unknown; name?: unknown },
  view: ClusterView,
): NamedRef[] {
  if (kind === 'cluster') return [theCluster];
  return [named(view, namedKindOf(kind as Exclude<TagKind, 'cluster'>), String(name ?? ''))];
}
