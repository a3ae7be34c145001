import { MerapiError } from '../base/errors.ts';
import { ALL, type LockLevel, type LockMode, type LockPlan } from '../model/locks.ts';
import { Lock, type Waiter } from './lock.ts';
import { type Claim, claimsOf, compatible, type GrantedLock, grantedBy, type HoldMode } from './modes.ts';

export type { GrantedLock };

/** Who goes first among those who wait for a lock, and how to stop waiting. */
export interface AcquireOptions {
  /** -20 … 19; lower goes first. */
  priority: number;
  /** Of equal priorities the lower age (a job id) goes first. */
  age: number;
  signal?: AbortSignal;
  /**
   * With it the grant is provisional until confirm(): it is taken back, and this is called, when somebody more urgent wants what it
   * holds. Without it the grant is final at once.
   */
  onRevoked?: () => void;
}

/** What an owner holds; it may only shrink. */
export interface Grant {
  readonly owner: string;
  /** What is held now, in the order of acquisition; enough for regrant(). */
  readonly locks: readonly GrantedLock[];
  /**
   * Gives up everything, or all of a level, or these names (ALL is a name too). To give up everything again changes nothing.
   * @throws MerapiError internal_error when a given name is not held.
   */
  release(level?: LockLevel, names?: readonly string[]): void;
  /**
   * Holds these exclusive locks as shared from now on; without names all of the level.
   * @throws MerapiError internal_error when a given name is not held.
   */
  downgrade(level: LockLevel, names?: readonly string[]): void;
  /** Makes a provisional grant final; false when it has been taken back. */
  confirm(): boolean;
}

/** Somebody who has not begun, and so can still give way to those who are more urgent. */
interface Yielding {
  readonly priority: number;
  /** Gives up all that is held. */
  giveWay(): void;
}

/** An owner in a lock's state. `partial`: it holds or wants single objects of the level, not all; only at the name ALL. */
interface LockUser {
  owner: string;
  mode: LockMode;
  partial: boolean;
}

/** One lock that is held or wanted now. */
export interface LockState {
  level: LockLevel;
  /** An object's name, or ALL. */
  name: string;
  /** How it is held; null while it is only wanted, or held only in parts. */
  mode: LockMode | null;
  owners: LockUser[];
  /** Who waits, in the order in which they will be served. */
  pending: LockUser[];
}

/**
 * All locks of the cluster, in memory. Everyone acquires in one global order (level, ALL, names) and never holds anything when
 * they begin, so nobody can wait in a circle. Whoever still waits for a part of a plan, or whose grant is provisional, gives all of it
 * up when somebody of a higher priority wants a lock of it, and asks again: so nobody waits for less urgent ones that have not begun.
 * Locks come into being with their first use and vanish with the last.
 */
export class LockManager {
  readonly #locks = new Map<string, { claim: Pick<Claim, 'level' | 'name'>; lock: Lock }>();
  /** Everyone who holds or waits for something. */
  readonly #owners = new Set<string>();
  /** Those of them that can still give way. */
  readonly #yielding = new Map<string, Yielding>();

  /**
   * Waits until the whole plan is granted. An abort takes back the request with all that it already had and rejects with the
   * signal's reason; after the grant the signal has no meaning.
   * @throws MerapiError internal_error when the owner already holds or waits for something.
   */
  acquire(owner: string, plan: LockPlan, options: AcquireOptions): Promise<Grant> {
    const { signal, priority, age, onRevoked } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#enter(owner);
      const claims = claimsOf(plan);
      let next = 0;
      let waiter: Waiter | null = null;
      let isLeaving = false;
      const giveUp = () => {
        const tried = claims.slice(0, next + 1); // the last one may be held this very moment
        const [wanted, wish] = [claims[next], waiter];
        [next, waiter] = [0, null];
        if (wish && wanted) this.#use(wanted, (lock) => lock.withdraw(wish));
        for (const claim of tried.toReversed()) this.#use(claim, (lock) => lock.weaken(owner, null));
      };
      const stop = () => {
        isLeaving = true;
        giveUp();
        this.#leave(owner);
        reject(signal?.reason);
      };
      const giveWay = () => {
        if (isLeaving) return;
        isLeaving = true;
        giveUp();
        isLeaving = false;
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
          this.#makeWay(claim, candidate, () => waiter === candidate);
          return;
        }
        signal?.removeEventListener('abort', stop);
        this.#yielding.delete(owner);
        const grant = this.#grant(owner, claims);
        if (onRevoked && claims.length > 0) {
          const revoke = () => {
            grant.release();
            onRevoked();
          };
          this.#yielding.set(owner, { priority, giveWay: revoke });
        }
        resolve(grant);
      };
      const granted = (candidate: Waiter) => {
        if (waiter !== candidate) return; // it was given up meanwhile
        waiter = null;
        next += 1;
        advance();
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#yielding.set(owner, { priority, giveWay });
      advance();
    });
  }

  /**
   * Grants again, at once, what an owner held before the master ended; for recovery, before anyone else acquires.
   * @throws MerapiError internal_error when another owner holds what conflicts; nothing is granted then.
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

  /** How many locks exist: those that somebody holds or wants. */
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
      if (whole.length === 0 && pending.length === 0) continue; // single names are shown on their own
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

  /** Lets those give a lock up who hold it, are less urgent and have not begun, as long as the request waits for it. */
  #makeWay(claim: Claim, { priority, mode }: Waiter, waits: () => boolean): void {
    for (const [owner, held] of [...this.#lock(claim).holders]) {
      if (!waits()) return;
      const other = this.#yielding.get(owner);
      if (other && other.priority > priority && !compatible(held, mode)) other.giveWay();
    }
  }

  #leave(owner: string): void {
    this.#owners.delete(owner);
    this.#yielding.delete(owner);
  }

  #lock({ level, name }: Claim): Lock {
    const key = keyOf(level, name);
    const known = this.#locks.get(key);
    if (known) return known.lock;
    const lock = new Lock();
    this.#locks.set(key, { claim: { level, name }, lock });
    return lock;
  }

  #use(claim: Claim, change: (lock: Lock) => void): void {
    const lock = this.#lock(claim);
    change(lock);
    if (lock.unused) this.#locks.delete(keyOf(claim.level, claim.name));
  }

  /** Goes from the old claims to fewer or weaker ones, names before their root. */
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
        this.#yielding.delete(owner);
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

/** Those of the locks that are meant. */
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
