import { MerapiError } from '../base/errors.ts';
import { ALL, type LockLevel, type LockMode, type LockPlan } from '../model/locks.ts';
import { Lock, type Waiter } from './lock.ts';
import { type Claim, claimsOf, compatible, type GrantedLock, grantedBy, type HoldMode } from './modes.ts';

export type { GrantedLock };

/** The position of a request in the queues, and how it is cancelled. */
export interface AcquireOptions {
  /** -20 … 19; lower goes first, and among equal priorities the lower age (a job id). */
  priority: number;
  age: number;
  /** Cancels the request while it waits. */
  signal?: AbortSignal;
  /**
   * When given, the grant is provisional until confirm(): it is revoked, and this function is called, when a request of higher priority
   * wants one of its locks. Without it the grant is final at once.
   */
  onRevoked?: () => void;
}

/** The locks that an owner holds. They can only become fewer or weaker. */
export interface Grant {
  readonly owner: string;
  /** The locks that are held now, in the order of acquisition; can be passed to regrant(). */
  readonly locks: readonly GrantedLock[];
  /**
   * Releases everything, or a level, or these names of a level (ALL is a name too). Releasing everything twice is allowed.
   * @throws MerapiError internal_error when a given name is not held
   */
  release(level?: LockLevel, names?: readonly string[]): void;
  /**
   * Changes these exclusive locks to shared; without names, all of the level.
   * @throws MerapiError internal_error when a given name is not held
   */
  downgrade(level: LockLevel, names?: readonly string[]): void;
  /** Makes a provisional grant final; false when it has been revoked. */
  confirm(): boolean;
}

/** An owner that can be preempted: it still waits for locks, or its grant is provisional. giveWay() releases all of its locks. */
interface Preemptible {
  readonly priority: number;
  giveWay(): void;
}

/** An owner in the state of a lock. `partial` (only at the name ALL): it holds or wants single objects of the level, not all. */
type LockUser = { owner: string; mode: LockMode; partial: boolean };

/** The state of a lock that is held or wanted now. */
export interface LockState {
  level: LockLevel;
  /** An object's name, or ALL. */
  name: string;
  /** The mode in which it is held; null when it is only wanted, or only partial owners hold it. */
  mode: LockMode | null;
  owners: LockUser[];
  /** The waiters, in the order in which the lock will be granted to them. */
  pending: LockUser[];
}

/**
 * All locks of the cluster, in memory; created with their first use and deleted with their last. There are no deadlocks, because every
 * owner acquires in one global order (level, then ALL, then names) and holds nothing when it begins. An owner can be preempted by a
 * request of higher priority that wants one of its locks, so no request waits for a less urgent job that has not begun:
 *
 * | owner                        | when it is preempted                                             |
 * | ---------------------------- | ---------------------------------------------------------------- |
 * | waits for a part of its plan | releases all its locks, and acquires the plan again from scratch |
 * | has a provisional grant      | its grant is revoked (`onRevoked`)                               |
 * | has a final grant            | never; it holds its locks until it releases them                 |
 */
export class LockManager {
  readonly #locks = new Map<string, { claim: Pick<Claim, 'level' | 'name'>; lock: Lock }>();
  /** Every owner that holds or waits for a lock. */
  readonly #owners = new Set<string>();
  /** The owners that can be preempted. */
  readonly #preemptible = new Map<string, Preemptible>();

  /**
   * Waits until the whole plan is granted. When the signal fires first, the request is withdrawn, its locks are released, and the promise
   * is rejected with the signal's reason; after the grant the signal is ignored.
   * @throws MerapiError internal_error when the owner already holds or waits for a lock
   */
  acquire(owner: string, plan: LockPlan, options: AcquireOptions): Promise<Grant> {
    const { signal, priority, age, onRevoked } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#enter(owner);
      const claims = claimsOf(plan);
      let next = 0; // the index of the claim that is requested next; those before it are held
      let waiter: Waiter | null = null; // the request in the queue of that lock
      let isReleasing = false; // releasing calls other owners, which may try to preempt this one again
      const releaseAll = () => {
        const tried = claims.slice(0, next + 1); // the last one may be granted already, with granted() about to be called
        const claim = claims[next];
        const queued = waiter;
        next = 0;
        waiter = null;
        if (queued && claim) this.#use(claim, (lock) => lock.withdraw(queued));
        for (const claim of tried.toReversed()) this.#use(claim, (lock) => lock.weaken(owner, null));
      };
      const stop = () => {
        isReleasing = true;
        releaseAll();
        this.#leave(owner);
        reject(signal?.reason);
      };
      const giveWay = () => {
        if (isReleasing) return;
        isReleasing = true;
        releaseAll();
        isReleasing = false;
        advance();
      };
      const advance = () => {
        for (; next < claims.length; next += 1) {
          const claim = claims[next] as Claim;
          const candidate: Waiter = {
            owner,
            mode: claim.mode,
            priority,
            age,
            granted: () => granted(candidate),
          };
          if (this.#lock(claim).request(candidate)) continue;
          waiter = candidate;
          this.#preempt(claim, candidate, () => waiter === candidate);
          return;
        }
        signal?.removeEventListener('abort', stop);
        this.#preemptible.delete(owner);
        const grant = this.#grant(owner, claims);
        if (onRevoked && claims.length > 0) {
          const revoke = () => {
            grant.release();
            onRevoked();
          };
          this.#preemptible.set(owner, { priority, giveWay: revoke });
        }
        resolve(grant);
      };
      const granted = (candidate: Waiter) => {
        if (waiter !== candidate) return; // this request was withdrawn meanwhile
        waiter = null;
        next += 1;
        advance();
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#preemptible.set(owner, { priority, giveWay });
      advance();
    });
  }

  /**
   * Grants at once the locks that an owner held before the master ended. For recovery, before any call of acquire().
   * @throws MerapiError internal_error when another owner holds a conflicting lock; nothing is granted then
   */
  regrant(owner: string, locks: readonly GrantedLock[]): Grant {
    const claims = claimsOf(locks.map(({ level, name, mode }) => ({ level, names: [name], mode })));
    const conflict = claims.find(({ level, name, mode }) => {
      const entry = this.#locks.get(keyOf(level, name));
      return entry && !entry.lock.admits(mode);
    });
    if (conflict)
      throw new MerapiError(
        'internal_error',
        `Lock ${conflict.level}/${conflict.name} cannot be granted again to ${owner}: another owner holds it`,
      );
    this.#enter(owner);
    for (const claim of claims) this.#lock(claim).hold(owner, claim.mode);
    return this.#grant(owner, claims);
  }

  /** The number of locks that are held or wanted. */
  get size(): number {
    return this.#locks.size;
  }

  /** Every lock that is held or wanted now, in no particular order. */
  inspect(): LockState[] {
    const states: LockState[] = [];
    for (const { claim, lock } of this.#locks.values()) {
      const owners = [...lock.holders].map(([owner, mode]) => userOf(owner, mode));
      const pending = lock.waiting.map(({ owner, mode }) => userOf(owner, mode));
      const whole = owners.filter((user) => !user.partial);
      if (whole.length === 0 && pending.length === 0) continue; // partial owners appear at the names that they hold
      const mode = whole.some((user) => user.mode === 'exclusive') ? 'exclusive' : 'shared';
      states.push({ ...claim, mode: whole.length > 0 ? mode : null, owners, pending });
    }
    return states;
  }

  #enter(owner: string): void {
    if (this.#owners.has(owner))
      throw new MerapiError('internal_error', `${owner} already holds or waits for locks`);
    this.#owners.add(owner);
  }

  /** Preempts the holders of a lock that are less urgent than a waiter, until the waiter gets the lock. */
  #preempt(claim: Claim, { priority, mode }: Waiter, isWaiting: () => boolean): void {
    for (const [owner, held] of [...this.#lock(claim).holders]) {
      if (!isWaiting()) return;
      const other = this.#preemptible.get(owner);
      if (other && other.priority > priority && !compatible(held, mode)) other.giveWay();
    }
  }

  #leave(owner: string): void {
    this.#owners.delete(owner);
    this.#preemptible.delete(owner);
  }

  #lock({ level, name }: Claim): Lock {
    const key = keyOf(level, name);
    const known = this.#locks.get(key);
    if (known) return known.lock;
    const lock = new Lock();
    this.#locks.set(key, { claim: { level, name }, lock });
    return lock;
  }

  /** Changes a lock, and deletes it when it is unused afterwards. */
  #use(claim: Claim, change: (lock: Lock) => void): void {
    const lock = this.#lock(claim);
    change(lock);
    if (lock.unused) this.#locks.delete(keyOf(claim.level, claim.name));
  }

  /** Reduces the claims of an owner to fewer or weaker ones, in the reverse order of acquisition: names before their root. */
  #shrink(owner: string, old: readonly Claim[], kept: readonly Claim[]): void {
    const modes = new Map(kept.map(({ level, name, mode }) => [keyOf(level, name), mode]));
    for (const claim of old.toReversed()) {
      const mode = modes.get(keyOf(claim.level, claim.name)) ?? null;
      if (mode !== claim.mode) this.#use(claim, (lock) => lock.weaken(owner, mode));
    }
    if (kept.length === 0) this.#leave(owner);
  }

  #grant(owner: string, claims: readonly Claim[]): Grant {
    let held = claims;
    if (held.length === 0) this.#leave(owner);
    const keep = (locks: readonly GrantedLock[]) => {
      if (held.length === 0) return;
      const kept = claimsOf(locks.map(({ level, name, mode }) => ({ level, names: [name], mode })));
      const old = held;
      held = kept;
      this.#shrink(owner, old, kept);
    };
    return {
      owner,
      confirm: () => {
        this.#preemptible.delete(owner);
        return held.length > 0 || claims.length === 0;
      },
      get locks() {
        return grantedBy(held);
      },
      release(level, names) {
        const locks = grantedBy(held);
        const given = level === undefined ? locks : select(owner, locks, level, names);
        keep(locks.filter((lock) => !given.includes(lock)));
      },
      downgrade(level, names) {
        const locks = grantedBy(held);
        const given = select(owner, locks, level, names);
        keep(locks.map((lock) => (given.includes(lock) ? { ...lock, mode: 'shared' } : lock)));
      },
    };
  }
}

function keyOf(level: LockLevel, name: string): string {
  return `${level}/${name}`;
}

function userOf(owner: string, mode: HoldMode): LockUser {
  const partial = mode === 'some-shared' || mode === 'some-exclusive';
  return { owner, mode: mode.endsWith('exclusive') ? 'exclusive' : 'shared', partial };
}

/** The locks of a level, or only those with the given names. @throws MerapiError internal_error when a name is not held */
function select(
  owner: string,
  locks: readonly GrantedLock[],
  level: LockLevel,
  names?: readonly string[],
): GrantedLock[] {
  const ofLevel = locks.filter((lock) => lock.level === level);
  if (names === undefined) return ofLevel;
  const missing = names.find((name) => !ofLevel.some((lock) => lock.name === name));
  if (missing !== undefined) {
    const what = missing === ALL ? `all locks of level ${level}` : `lock ${level}/${missing}`;
    throw new MerapiError('internal_error', `${owner} does not hold ${what}`);
  }
  return ofLevel.filter((lock) => names.includes(lock.name));
}
