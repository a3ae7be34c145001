import { MerapiError } from '../base/errors.ts';

/** The answer to a request to cancel a job. */
export interface Cancellation {
  /** Whether the job is canceled, or will be before its next step. */
  readonly canceled: boolean;
  /** One sentence for people. */
  readonly text: string;
}

/** The reason with which a canceled job ends. */
export function canceled(): MerapiError {
  return new MerapiError('canceled', 'The job was canceled');
}

/** The cancel of a job. Nothing is made before somebody wants to hear of it, for very many jobs may wait. */
export class Cancel {
  #controller: AbortController | null = null;
  #reason: Error | null = null;

  /** Why the job is to stop; null while it is not. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Fires with the reason when the job is to stop. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Lets the job stop. Only the first reason counts. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
