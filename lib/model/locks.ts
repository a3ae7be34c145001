import type { TagKind } from './tag.ts';

/** Lock levels in the order of acquisition. Locks of `tags` have the names of tagsLock(). */
export const lockLevels = ['cluster', 'instance', 'nodegroup', 'node', 'network', 'tags'] as const;
export type LockLevel = (typeof lockLevels)[number];
export type LockMode = 'shared' | 'exclusive';

/** Stands for every object of a level, those made later included. */
export const ALL = '*';

/** What an opcode wants at one level: objects by name, or all of them. */
export interface LockWish {
  level: LockLevel;
  names: readonly string[] | typeof ALL;
  mode: LockMode;
}

/** All that an opcode wants; any order. At the level `cluster` the one name is `BGL`. */
export type LockPlan = readonly LockWish[];

/** The cluster's own lock. */
export const CLUSTER_LOCK = 'BGL';

/** The name of the lock for the tags of an object; of the cluster without a name. */
export const tagsLock = (kind: TagKind, name: string) => `${kind}/${name}`;

/** The object whose tags a lock is for. */
export function taggedBy(lock: string): { kind: TagKind; of: string } {
  const [kind = '', ...name] = lock.split('/');
  return { kind: kind as TagKind, of: name.join('/') };
}
