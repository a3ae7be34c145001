import { ALL, type LockLevel, type LockMode, type LockPlan, lockLevels } from '../model/locks.ts';

/**
 * The mode in which a lock is held. Each level has a root lock (the name ALL), which stands for all of its objects. Intention modes
 * make locks of ALL and of single names conflict without looking at every object: an owner of single names also holds the root.
 *
 * | mode             | held on        | meaning                                                   |
 * | ---------------- | -------------- | --------------------------------------------------------- |
 * | `shared`         | names, root    | shared use of the object, or of all objects               |
 * | `exclusive`      | names, root    | exclusive use of the object, or of all objects            |
 * | `some-shared`    | root           | single names are held shared                              |
 * | `some-exclusive` | root           | single names are held, at least one of them exclusive     |
 * | `shared+some`    | root           | ALL is held shared, and single names are held exclusive   |
 */
export type HoldMode = LockMode | 'some-shared' | 'some-exclusive' | 'shared+some';

/** For each mode, the modes in which other owners may hold the same lock. Symmetric. */
const compatibleModes: Readonly<Record<HoldMode, readonly HoldMode[]>> = {
  exclusive: [],
  'shared+some': ['some-shared'],
  shared: ['some-shared', 'shared'],
  'some-exclusive': ['some-shared', 'some-exclusive'],
  'some-shared': ['some-shared', 'some-exclusive', 'shared', 'shared+some'],
};

/** Whether two owners may hold one lock in these modes at the same time. */
export function compatible(a: HoldMode, b: HoldMode): boolean {
  return compatibleModes[a].includes(b);
}

/** A lock that is wanted or held, with its mode; `name` is ALL for the root of the level. */
export interface Claim {
  level: LockLevel;
  name: string;
  mode: HoldMode;
}

/** A lock that was granted: an object of a level, or ALL of them. */
export interface GrantedLock {
  readonly level: LockLevel;
  readonly name: string;
  readonly mode: LockMode;
}

/** The locks that a plan needs, each once and in its strongest mode, in the global order of acquisition (no deadlocks). */
export function claimsOf(plan: LockPlan): Claim[] {
  return lockLevels.flatMap((level) =>
    claimsOfLevel(
      level,
      plan.filter((wish) => wish.level === level),
    ),
  );
}

function claimsOfLevel(level: LockLevel, wishes: LockPlan): Claim[] {
  let all: LockMode | null = null;
  const names = new Map<string, LockMode>();
  for (const { names: wanted, mode } of wishes) {
    for (const name of typeof wanted === 'string' ? [wanted] : wanted) {
      if (name === ALL) all = stronger(all, mode);
      else names.set(name, stronger(names.get(name) ?? null, mode));
    }
  }
  const single = [...names].filter(([, mode]) => all === null || (all === 'shared' && mode === 'exclusive'));
  if (all === null && single.length === 0) return [];
  single.sort(([a], [b]) => (a < b ? -1 : 1));
  const modes = single.map(([, mode]) => mode);
  return [
    { level, name: ALL, mode: rootMode(all, modes) },
    ...single.map(([name, mode]) => ({ level, name, mode })),
  ];
}

function stronger(a: LockMode | null, b: LockMode): LockMode {
  return a === 'exclusive' ? a : b;
}

function rootMode(all: LockMode | null, single: readonly LockMode[]): HoldMode {
  if (all === 'exclusive') return 'exclusive';
  if (all === 'shared') return single.length > 0 ? 'shared+some' : 'shared';
  return single.includes('exclusive') ? 'some-exclusive' : 'some-shared';
}

/** The locks that were granted with these claims, in the terms of a plan: without the intention modes of roots. */
export function grantedBy(claims: readonly Claim[]): GrantedLock[] {
  return claims.flatMap(({ level, name, mode }) => {
    if (mode === 'some-shared' || mode === 'some-exclusive') return [];
    return [{ level, name, mode: mode === 'exclusive' ? mode : 'shared' }];
  });
}
