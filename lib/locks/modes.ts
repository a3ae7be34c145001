import { ALL, type LockLevel, type LockMode, type LockPlan, lockLevels } from '../model/locks.ts';

/**
 * How one lock is held. Names know `shared` and `exclusive`. The root of a level stands for all of its objects; whoever
 * holds single names also holds the root, marked with what the names are held for, so that ALL and names exclude each
 * other at a cost that does not depend on how many objects there are. `shared+some` is ALL shared with single names exclusive.
 */
export type HoldMode = LockMode | 'some-shared' | 'some-exclusive' | 'shared+some';

/** The modes that may be held beside each mode by others. */
const besides: Readonly<Record<HoldMode, readonly HoldMode[]>> = {
  exclusive: [],
  'shared+some': ['some-shared'],
  shared: ['some-shared', 'shared'],
  'some-exclusive': ['some-shared', 'some-exclusive'],
  'some-shared': ['some-shared', 'some-exclusive', 'shared', 'shared+some'],
};

/** Whether two owners may hold one lock in these modes at the same time. */
export function compatible(a: HoldMode, b: HoldMode): boolean {
  return besides[a].includes(b);
}

/** One lock that is wanted or held; `name` is ALL for the root of the level. */
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

/** The locks that a plan needs, each once and in its strongest mode, in the one global order of acquisition. */
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
  return [
    {
      level,
      name: ALL,
      mode: rootMode(
        all,
        single.map(([, mode]) => mode),
      ),
    },
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

/** What an owner of these claims was granted, in words of the plan; the marks on roots for single names are left out. */
export function grantedBy(claims: readonly Claim[]): GrantedLock[] {
  return claims.flatMap(({ level, name, mode }) => {
    if (mode === 'some-shared' || mode === 'some-exclusive') return [];
    return [{ level, name, mode: mode === 'exclusive' ? mode : 'shared' }];
  });
}
