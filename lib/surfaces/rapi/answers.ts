// Long responses, such as listings of thousands of objects, are made while they are sent. This file bounds how many are sent at
// once, so that clients that read slowly cannot exhaust the master's memory.
import type { ServerResponse } from 'node:http';
import { type Bounds, Budget } from '../../base/budget.ts';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';

/** The limits under which long responses are sent. Of each about 256 KiB are in memory at a time, plus any single large value. */
export interface AnswerOptions {
  /** How many long responses are sent at once, to one user and to all users together; further ones wait. */
  readonly bounds: Bounds;
  /** How many may wait; further ones are refused. */
  readonly waiting: number;
  /** For how many milliseconds a client may read nothing of a long response before its connection is cut. */
  readonly patience: number;
}

/** The defaults. */
export const answerOptions: AnswerOptions = {
  bounds: { each: 64, all: 256 },
  waiting: 1000,
  patience: 60_000,
};

/** A response that waits for its turn. */
interface Waiter {
  readonly user: string | null;
  /** Admits the waiter, which has its share of the budget by then. */
  readonly admit: () => void;
}

/** Limits how many long responses are sent at once. Waiters are admitted in the order in which they came, as their bounds permit. */
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
   * Waits until a long response may be sent to a user. It counts until the response is closed.
   * @throws MerapiError unavailable when too many wait already, or when the client disconnects while it waits
   */
  async enter(user: string | null, response: ServerResponse): Promise<void> {
    if (this.#budget.take(user, 1) !== 'taken') await this.#waitForTurn(user, response);
    if (response.closed) this.#release(user);
    else response.once('close', () => this.#release(user));
  }

  /** Passes the pieces of a long response on; cuts the connection when the client does not read one in time. */
  async *withTimeout<T>(pieces: AsyncIterator<T>, response: ServerResponse): AsyncGenerator<T> {
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

  #waitForTurn(user: string | null, response: ServerResponse): Promise<void> {
    if (this.#waiting.size >= this.#options.waiting)
      throw new MerapiError('unavailable', 'Too many long responses wait to be sent; try again later');
    return new Promise((resolve, reject) => {
      const onClose = () => {
        this.#waiting.delete(waiter);
        reject(new MerapiError('unavailable', 'The client has disconnected'));
      };
      const waiter: Waiter = {
        user,
        admit: () => {
          this.#waiting.delete(waiter);
          response.off('close', onClose);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      response.once('close', onClose);
    });
  }

  #release(user: string | null): void {
    this.#budget.giveBack(user, 1);
    // A waiter whose user is at the bound per user is skipped: those behind it may still fit into the bound of all users.
    for (const waiter of this.#waiting) if (this.#budget.take(waiter.user, 1) === 'taken') waiter.admit();
  }
}
