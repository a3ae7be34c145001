import { compatible, type HoldMode } from './modes.ts';

/** A request that stands in the queue of one lock. */
export interface Waiter {
  readonly owner: string;
  readonly mode: HoldMode;
  /** Lower goes first, then the lower age, then whoever came first. */
  readonly priority: number;
  readonly age: number;
  /** Called once, when the lock is held. */
  readonly granted: () => void;
}

/**
 * One lock with its holders and its queue. A request is granted when it is compatible with all holders and all requests before it: so
 * nothing overtakes a request that it could delay, while harmless ones need not stand behind it.
 */
export class Lock {
  readonly #holders = new Map<string, HoldMode>();
  /** How many hold it in each mode, so that a root with thousands of holders is as quick as any lock. */
  readonly #held = new Map<HoldMode, number>();
  #queue: Waiter[] = [];

  get holders(): ReadonlyMap<string, HoldMode> {
    return this.#holders;
  }

  /** The queue in the order of service. */
  get waiting(): readonly Waiter[] {
    return this.#queue;
  }

  /** Whether nobody holds or wants it. */
  get unused(): boolean {
    return this.#holders.size === 0 && this.#queue.length === 0;
  }

  /** Takes the lock at once when that is fair; otherwise the request is queued, and the answer is false. */
  request(waiter: Waiter): boolean {
    let place = this.#queue.length;
    while (place > 0 && goesBefore(waiter, this.#queue[place - 1] as Waiter)) place -= 1;
    const overtaken = this.#queue.findIndex((other) => !compatible(other.mode, waiter.mode));
    if (this.admits(waiter.mode) && (overtaken < 0 || overtaken >= place)) {
      this.hold(waiter.owner, waiter.mode);
      return true;
    }
    this.#queue.splice(place, 0, waiter);
    return false;
  }

  /** Whether the mode is compatible with all holders. */
  admits(mode: HoldMode): boolean {
    for (const held of this.#held.keys()) if (!compatible(held, mode)) return false;
    return true;
  }

  /** Makes the owner hold the lock in this mode, or not at all (null), whatever it held before; looks at nobody else. */
  hold(owner: string, mode: HoldMode | null): void {
    const old = this.#holders.get(owner);
    if (old) this.#count(old, -1);
    if (mode) {
      this.#holders.set(owner, mode);
      this.#count(mode, 1);
    } else this.#holders.delete(owner);
  }

  /** Gives the lock up (null), or holds it in a weaker mode, and serves those who can go on. */
  weaken(owner: string, mode: HoldMode | null): void {
    this.hold(owner, mode);
    this.#serve();
  }

  /** Takes a request out of the queue. */
  withdraw(waiter: Waiter): void {
    const place = this.#queue.indexOf(waiter);
    if (place >= 0) this.#queue.splice(place, 1);
    this.#serve();
  }

  #count(mode: HoldMode, change: number): void {
    const count = (this.#held.get(mode) ?? 0) + change;
    if (count === 0) this.#held.delete(mode);
    else this.#held.set(mode, count);
  }

  #serve(): void {
    const served: Waiter[] = [];
    const passed = new Set<HoldMode>();
    for (const waiter of this.#queue) {
      const fair = [...passed].every((mode) => compatible(mode, waiter.mode));
      if (fair && this.admits(waiter.mode)) {
        this.hold(waiter.owner, waiter.mode);
        served.push(waiter);
      } else {
        passed.add(waiter.mode);
        if (waiter.mode === 'exclusive') break; // nothing is compatible with that one
      }
    }
    if (served.length === 0) return;
    if (served.at(-1) === this.#queue[served.length - 1]) this.#queue.splice(0, served.length);
    else {
      const gone = new Set(served);
      this.#queue = this.#queue.filter((waiter) => !gone.has(waiter));
    }
    for (const waiter of served) waiter.granted();
  }
}

function goesBefore(a: Waiter, b: Waiter): boolean {
  return a.priority === b.priority ? a.age < b.age : a.priority < b.priority;
}
