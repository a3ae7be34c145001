import type { ServerResponse } from 'node:http';
import { type Bounds, Budget } from '../../base/budget.ts';
import { MerapiError } from '../../base/errors.ts';

/** How many requests may wait for an event at once: of one user, and of all users together. */
export const waitingBounds: Bounds = { each: 1000, all: 4000 };

/** The requests that wait for an event, such as a change of a job. Each ends when its client disconnects or the server closes. */
export class WaitingRequests {
  readonly #closing: AbortSignal | undefined;
  readonly #budget: Budget;
  readonly #waiting = new Set<AbortController>();

  /** @param closing fires when the server closes: all waiting requests are then to be answered at once */
  constructor(closing: AbortSignal | undefined, bounds: Bounds) {
    this.#closing = closing;
    this.#budget = new Budget(bounds);
    closing?.addEventListener('abort', () => {
      for (const request of this.#waiting) request.abort();
    });
  }

  /**
   * A signal that fires when the client disconnects or the server closes. The request counts as waiting until its response is closed.
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
        'Too many requests are waiting; try again when some have been answered',
      );
    this.#waiting.add(request);
    response.once('close', () => {
      this.#waiting.delete(request);
      this.#budget.giveBack(user, 1);
      request.abort();
    });
    return request.signal;
  }
}
