/** Lock levels in the order of acquisition. Those of `tags` are named KIND/NAME of the object whose tags are changed. */
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
