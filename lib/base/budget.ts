/** How much of something one user may have at once, and how much all of them together. */
export interface Bounds {
  readonly each: number;
  readonly all: number;
}

/** Who has how much of what there is only so much of, such as bytes of memory. Users are told apart by name; null is one too. */
export class Budget {
  readonly #bounds: Bounds;
  readonly #taken = new Map<string | null, number>();
  #all = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Takes some for a user, and says whose bound it would have exceeded if it did not. */
  take(user: string | null, amount: number): 'taken' | 'each' | 'all' {
    const own = (this.#taken.get(user) ?? 0) + amount;
    if (own > this.#bounds.each) return 'each';
    if (this.#all + amount > this.#bounds.all) return 'all';
    this.#taken.set(user, own);
    this.#all += amount;
    return 'taken';
  }

  /** Gives back what was taken. */
  giveBack(user: string | null, amount: number): void {
    const left = (this.#taken.get(user) ?? 0) - amount;
    if (left > 0) this.#taken.set(user, left);
    else this.#taken.delete(user);
    this.#all -= amount;
  }
}
