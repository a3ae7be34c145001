import { MerapiError } from '../base/errors.ts';

/** The answer to a request to cancel a job. */
export interface Cancellation {
  /** Whether the job is canceled, or will be before its next step. */
  readonly canceled: boolean;
  /** One sentence for people. */
  readonly text: string;
}

/** The reason with which a job ends that a user canceled. */
export function canceled(): MerapiError {
  return new MerapiError('canceled', 'The job was canceled');
}

/**
 * An AbortController that is only made when its signal is first asked for: there may be very many queued jobs, and an
 * AbortController for each of them costs too much memory.
 */
export class Cancel {
  #controller: AbortController | null = null;
  #reason: Error | null = null;

  /** Why the job must stop; null while it need not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Fires with the reason when the job must stop. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Asks the job to stop. Only the first reason counts. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
