import type { Clock, Timer } from './clock.ts';

/**
 * Wakes a loop that polls something, such as a job queue, before its poll interval is over. The loop calls reset(), looks for work,
 * then calls wait(); a ring() during the look is not lost, because wait() then returns at once. For a single waiter.
 */
export class Bell {
  readonly #clock: Pick<Clock, 'timer'>;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(clock: Pick<Clock, 'timer'>) {
    this.#clock = clock;
  }

  /** Wakes the waiter, or lets its next wait() return at once. */
  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** Forgets the rings so far. Call it before looking, not after: a ring in between would be lost. */
  reset(): void {
    this.#rung = false;
  }

  /** Resolves with true at the first ring since reset(), or with false after so many milliseconds (by default it waits without limit). */
  async wait(milliseconds?: number): Promise<boolean> {
    if (this.#rung) return true;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (milliseconds !== undefined) timer = this.#clock.timer(milliseconds, resolve);
    });
    timer?.cancel();
    this.#wake = null;
    return this.#rung;
  }
}
