import type { Clock, Timer } from './clock.ts';

/**
 * Lets one who looks again and again wait until there may be something new: hush(), look, wait(). What rings while it looks
 * is not missed.
 */
export class Bell {
  readonly #clock: Pick<Clock, 'timer'>;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(clock: Pick<Clock, 'timer'>) {
    this.#clock = clock;
  }

  /** There may be something new. */
  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** Forgets what rang so far. */
  hush(): void {
    this.#rung = false;
  }

  /** Resolves when it rings, or has since hush(), or after so many milliseconds; whether it rang. */
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
