// Decides when a guest is compared with its process (reconcile), and repeats that while it fails:
//
//   settled  -> lost       the connection to the process is lost
//   lost     -> settled    reconcile() succeeded
//            -> retrying   reconcile() failed, or a new connection would probably be lost as well: `trouble` has the reason, and
//                          reconcile() is called again after RETRY_PAUSE
//   retrying -> settled    reconcile() succeeded
import { unattended } from '../../../base/background.ts';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { TaskQueue } from '../../../base/task-queue.ts';
import { type ProcessId, waitGone } from './process.ts';

/** Milliseconds until the next attempt after a failed one. */
const RETRY_PAUSE = 5000;
/** Milliseconds for a process to end after it closed its monitor. */
const END_TIMEOUT = 1000;

export interface FollowerOptions {
  uuid: string;
  log: Logger;
  /** The queue of all operations on the guest. */
  queue: TaskQueue;
  /** Brings the guest's record into agreement with its process; called from a task of the queue. */
  reconcile(): Promise<void>;
  /** The guest's process, or null when it is gone. */
  process(): Promise<ProcessId | null>;
  /** Called when `trouble` has changed. */
  changed(): void;
}

/** Reconciles one guest with its process whenever that is needed. */
export class Follower {
  readonly #options: FollowerOptions;
  #trouble: string | null = null;
  /** When the guest was last settled, by performance.now(). */
  #settledAt = Number.NEGATIVE_INFINITY;
  /** The reconcile() that is queued but has not begun; further requests join it. */
  #next: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Why the state of the guest cannot be determined, for people; null when it can. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Reconciles when earlier operations have ended, and again until it succeeds. Resolves after the first attempt; never rejects. */
  reconcile(): Promise<void> {
    this.#next ??= this.#options.queue
      .run(() => {
        this.#next = null;
        return this.#closed ? Promise.resolve() : this.#options.reconcile();
      })
      .catch((error: unknown) => this.#tryAgain(error));
    return this.#next;
  }

  /** Like reconcile(), for callers that do not wait. */
  reconcileSoon(): void {
    unattended('following a guest', this.#options.log, () => this.reconcile());
  }

  /** To be called when the state of the guest is known; clears `trouble`. */
  settled(): void {
    this.#trouble = null;
    this.#settledAt = performance.now();
  }

  /**
   * To be called when the connection to the process was lost; `fault` is the violation of the protocol that ended it, if one did.
   * Reconciles at once if the process has ended, otherwise after a pause when the new connection would probably be lost as well.
   */
  lost(fault: string | null): void {
    unattended('following a guest', this.#options.log, () => this.#reconnect(fault));
  }

  async #reconnect(fault: string | null): Promise<void> {
    if (fault === null && performance.now() - this.#settledAt > RETRY_PAUSE) return this.reconcile();
    const process = await this.#options.process().catch(() => null);
    if (!process || (await waitGone(process, END_TIMEOUT).catch(() => false))) return this.reconcile();
    this.#tryAgain(new MerapiError('hypervisor', `QEMU ${fault ?? 'closes each connection to its monitor'}`));
  }

  /** Stops all further attempts. */
  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
  }

  #tryAgain(error: unknown): void {
    if (this.#closed) return;
    const { log, uuid, changed } = this.#options;
    log.warn({ err: error, guest: uuid }, 'cannot determine the state of a guest; trying again');
    this.#trouble = `The state of this guest cannot be determined: ${errorText(error)}`;
    changed();
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.reconcileSoon(), RETRY_PAUSE);
    this.#retry.unref();
  }
}
