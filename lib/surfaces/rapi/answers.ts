import type { ServerResponse } from 'node:http';
import { type Bounds, Budget } from '../../base/budget.ts';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';

/** How long answers are sent. A long one is in memory with about 256 KiB at a time, with its large values where it has any. */
export interface AnswerOptions {
  /** How many long answers are under way at once; more wait for their turn. */
  readonly bounds: Bounds;
  /** How many wait at most. */
  readonly waiting: number;
  /** For how many milliseconds a client may take nothing of a long answer. */
  readonly patience: number;
}

export const answerOptions: AnswerOptions = {
  bounds: { each: 64, all: 256 },
  waiting: 1000,
  patience: 60_000,
};

interface Waiter {
  readonly user: string | null;
  readonly go: () => void;
}

/** The long answers that are under way. */
export class LongAnswers {
  readonly #options: AnswerOptions;
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #waiting = new Set<Waiter>();

  constructor(options: AnswerOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = options;
    this.#budget = new Budget(options.bounds);
  }

  /**
   * Waits until another long answer may be sent to a user. It is under way until the response is closed.
   * @throws MerapiError unavailable when too many wait already
   */
  async enter(user: string | null, response: ServerResponse): Promise<void> {
    if (this.#budget.take(user, 1) !== 'taken') await this.#turn(user, response);
    if (response.closed) this.#leave(user);
    else response.once('close', () => this.#leave(user));
  }

  /** The pieces of a long answer; when one is not taken in time the connection is cut. */
  async *patient(pieces: AsyncIterator<string>, response: ServerResponse): AsyncGenerator<string> {
    try {
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
        const timer = this.#clock.timer(this.#options.patience, () => response.destroy());
        try {
          yield next.value;
        } finally {
          timer.cancel();
        }
      }
    } finally {
      await pieces.return?.();
    }
  }

  #turn(user: string | null, response: ServerResponse): Promise<void> {
    if (this.#waiting.size >= this.#options.waiting)
      throw new MerapiError('unavailable', 'Too many long answers wait to be sent; ask again in a while');
    return new Promise((resolve, reject) => {
      const gone = () => {
        this.#waiting.delete(waiter);
        reject(new MerapiError('unavailable', 'The client has gone'));
      };
      const waiter: Waiter = {
        user,
        go: () => {
          this.#waiting.delete(waiter);
          response.off('close', gone);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      response.once('close', gone);
    });
  }

  #leave(user: string | null): void {
    this.#budget.giveBack(user, 1);
    // Who waits for its own bound is passed by those who wait for that of all.
    for (const waiter of this.#waiting) if (this.#budget.take(waiter.user, 1) === 'taken') waiter.go();
  }
}
