import { compatible, type HoldMode } from './modes.ts';

/** A request in the queue of one lock. */
export interface Waiter {
  readonly owner: string;
  readonly mode: HoldMode;
  /** The queue is ordered by priority (lower first), then by age (lower first), then by arrival. */
  readonly priority: number;
  readonly age: number;
  /** Called once, when the lock has been granted to a queued request; not when request() granted it at once. */
  readonly granted: () => void;
}

/**
 * One lock with its holders and its queue. A request is granted when its mode is compatible with all holders and with all requests
 * before it in the queue. So no request is overtaken by one that would delay it, while compatible requests do not wait for it.
 */
export class Lock {
  readonly #holders = new Map<string, HoldMode>();
  /** The number of holders by mode, so that checks of a root lock with thousands of holders take no longer than of any other. */
  readonly #held = new Map<HoldMode, number>();
  #queue: Waiter[] = [];

  get holders(): ReadonlyMap<string, HoldMode> {
    return this.#holders;
  }

  /** The queue, in the order in which requests are granted. */
  get waiting(): readonly Waiter[] {
    return this.#queue;
  }

  /** Whether it has neither holders nor waiters. */
  get unused(): boolean {
    return this.#holders.size === 0 && this.#queue.length === 0;
  }

  /** Grants the lock at once when it is free and no earlier request would be delayed; otherwise queues the request, and returns false. */
  request(waiter: Waiter): boolean {
    let position = this.#queue.length;
    while (position > 0 && goesBefore(waiter, this.#queue[position - 1] as Waiter)) position -= 1;
    const firstConflict = this.#queue.findIndex((other) => !compatible(other.mode, waiter.mode));
    const isFair = firstConflict < 0 || firstConflict >= position;
    if (isFair && this.admits(waiter.mode)) {
      this.hold(waiter.owner, waiter.mode);
      return true;
    }
    this.#queue.splice(position, 0, waiter);
    return false;
  }

  /** Whether the mode is compatible with all holders. */
  admits(mode: HoldMode): boolean {
    for (const held of this.#held.keys()) if (!compatible(held, mode)) return false;
    return true;
  }

  /** Sets the mode in which the owner holds the lock; null releases it. Checks no conflicts and serves no waiters. */
  hold(owner: string, mode: HoldMode | null): void {
    const old = this.#holders.get(owner);
    if (old) this.#count(old, -1);
    if (mode) {
      this.#holders.set(owner, mode);
      this.#count(mode, 1);
    } else this.#holders.delete(owner);
  }

  /** Releases the lock (null) or changes it to a weaker mode, then grants it to the waiters that are admitted now. */
  weaken(owner: string, mode: HoldMode | null): void {
    this.hold(owner, mode);
    this.#serve();
  }

  /** Removes a request from the queue, then grants the lock to the waiters behind it that are admitted now. */
  withdraw(waiter: Waiter): void {
    const position = this.#queue.indexOf(waiter);
    if (position >= 0) this.#queue.splice(position, 1);
    this.#serve();
  }

  #count(mode: HoldMode, change: number): void {
    const count = (this.#held.get(mode) ?? 0) + change;
    if (count === 0) this.#held.delete(mode);
    else this.#held.set(mode, count);
  }

  /** Grants the lock to all waiters that are admitted. Calls them last, when the queue is consistent: they may use this lock again. */
  #serve(): void {
    const served: Waiter[] = [];
    const skipped = new Set<HoldMode>();
    for (const waiter of this.#queue) {
      const isFair = [...skipped].every((mode) => compatible(mode, waiter.mode));
      if (isFair && this.admits(waiter.mode)) {
        this.hold(waiter.owner, waiter.mode);
        served.push(waiter);
      } else {
        skipped.add(waiter.mode);
        if (waiter.mode === 'exclusive') break; // no mode is compatible with it
      }
    }
    if (served.length === 0) return;
    if (served.at(-1) === this.#queue[served.length - 1]) this.#queue.splice(0, served.length);
    else {
      const removed = new Set(served);
      this.#queue = this.#queue.filter((waiter) => !removed.has(waiter));
    }
    for (const waiter of served) waiter.granted();
  }
}

function goesBefore(a: Waiter, b: Waiter): boolean {
  return a.priority === b.priority ? a.age < b.age : a.priority < b.priority;
}
