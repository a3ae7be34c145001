import type { LockPlan } from '../../model/locks.ts';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { type TagKind, tagKinds } from '../../model/tag.ts';
import type { ClusterView } from '../../model/view.ts';
import { clusterShared } from '../locking.ts';

/** The parameters of the opcodes that change tags. */
export const tagParams = {
  kind: required(oneOf(tagKinds), 'What kind of object.'),
  tags: required(kinds.texts, 'The tags.'),
  name: optional(maybe(kinds.text), null, 'The object; nothing for the cluster.'),
};

/** Locks the object whose tags change. */
export function tagPlan(params: { kind: TagKind; name: string | null }, view: ClusterView): LockPlan {
  const name = params.name ?? '';
  if (params.kind === 'cluster') return [{ level: 'cluster', names: [CLUSTER_LOCK], mode: 'exclusive' }];
  if (params.kind === 'instance')
    return [
      clusterShared,
      { level: 'instance', names: [hostNamed(view.instances, name)?.name ?? name], mode: 'exclusive' },
    ];
  return [clusterShared, { level: params.kind, names: [name], mode: 'exclusive' }];
}
