/** Limits of a resource: how much one user may hold at a time, and how much all users together. */
export interface Bounds {
  readonly each: number;
  readonly all: number;
}

/**
 * Counts how much of a limited resource, such as bytes of memory, each user holds. Users are distinguished by name; null stands for
 * all anonymous ones. Whoever takes an amount must give the same amount back.
 */
export class Budget {
  readonly #bounds: Bounds;
  readonly #taken = new Map<string | null, number>();
  #all = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Takes an amount for a user. Takes nothing when that would exceed a limit, and returns which one: the user's or the total. */
  take(user: string | null, amount: number): 'taken' | 'each' | 'all' {
    const own = (this.#taken.get(user) ?? 0) + amount;
    if (own > this.#bounds.each) return 'each';
    if (this.#all + amount > this.#bounds.all) return 'all';
    this.#taken.set(user, own);
    this.#all += amount;
    return 'taken';
  }

  /** Returns an amount that this user took. */
  giveBack(user: string | null, amount: number): void {
    const left = (this.#taken.get(user) ?? 0) - amount;
    if (left > 0) this.#taken.set(user, left);
    else this.#taken.delete(user);
    this.#all -= amount;
  }
}
