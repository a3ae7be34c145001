import type { ServerResponse } from 'node:http';
import { type Bounds, Budget } from '../../base/budget.ts';
import { MerapiError } from '../../base/errors.ts';

/** How many requests may wait for something at once. */
export const waitingBounds: Bounds = { each: 1000, all: 4000 };

/** The requests that wait for something to happen. */
export class WaitingRequests {
  readonly #closing: AbortSignal | undefined;
  readonly #budget: Budget;
  readonly #underWay = new Set<AbortController>();

  /** `closing` fires when the server ends: then all that wait are to be answered. */
  constructor(closing: AbortSignal | undefined, bounds: Bounds) {
    this.#closing = closing;
    this.#budget = new Budget(bounds);
    closing?.addEventListener('abort', () => {
      for (const request of this.#underWay) request.abort();
    });
  }

  /**
   * A signal that fires when the client is gone or the server ends; until then the request counts as one that waits.
   * @throws MerapiError unavailable when too many wait already
   */
  signalOf(response: ServerResponse, user: string | null): AbortSignal {
    const request = new AbortController();
    if (this.#closing?.aborted || response.closed) {
      request.abort();
      return request.signal;
    }
    if (this.#budget.take(user, 1) !== 'taken')
      throw new MerapiError(
        'unavailable',
        'Too many requests wait already; ask again when some are answered',
      );
    this.#underWay.add(request);
    response.once('close', () => {
      this.#underWay.delete(request);
      this.#budget.giveBack(user, 1);
      request.abort();
    });
    return request.signal;
  }
}
