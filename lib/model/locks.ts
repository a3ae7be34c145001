import type { TagKind } from './tag.ts';

/** Lock levels in the order in which they are acquired, which prevents deadlocks. Locks of `tags` are named by tagsLock(). */
export const lockLevels = ['cluster', 'instance', 'nodegroup', 'node', 'network', 'tags'] as const;
export type LockLevel = (typeof lockLevels)[number];
export type LockMode = 'shared' | 'exclusive';

/** All objects of a level, those made later included. */
export const ALL = '*';

/** The locks that an opcode needs at one level: of objects by name, or of all of them. */
export interface LockWish {
  level: LockLevel;
  names: readonly string[] | typeof ALL;
  mode: LockMode;
}

/** All locks that an opcode needs, in any order. The only name at the level `cluster` is `BGL`. */
export type LockPlan = readonly LockWish[];

/** The cluster's own lock. */
export const CLUSTER_LOCK = 'BGL';

/** The name of the lock for the tags of an object; the name of the cluster is empty here. */
export const tagsLock = (kind: TagKind, name: string) => `${kind}/${name}`;

/** The reverse of tagsLock(): the object whose tags the lock protects. */
export function taggedBy(lock: string): { kind: TagKind; of: string } {
  const [kind = '', ...name] = lock.split('/');
  return { kind: kind as TagKind, of: name.join('/') };
}
