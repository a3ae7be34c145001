import { unattended } from '../../../base/background.ts';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { type ProcessId, waitGone } from './process.ts';
import type { TaskQueue } from './queue.ts';

/** Milliseconds until another attempt for a guest that cannot be followed. */
const RETRY_PAUSE = 5000;
/** Milliseconds for a process to end after it closed its monitor. */
const END_TIMEOUT = 1000;

export interface FollowerOptions {
  uuid: string;
  log: Logger;
  /** In which all that is done with the guest waits for its turn. */
  queue: TaskQueue;
  /** Brings what is known of the guest into agreement with its process. */
  takeUp(): Promise<void>;
  /** The guest's process, or null when it is gone. */
  process(): Promise<ProcessId | null>;
  /** To be called when `trouble` has changed. */
  changed(): void;
}

/** Compares a guest with its process (takeUp) whenever that is needed, and again after a pause as long as that fails. */
export class Follower {
  readonly #options: FollowerOptions;
  #trouble: string | null = null;
  /** When takeUp() last succeeded, by performance.now(). */
  #takenUp = Number.NEGATIVE_INFINITY;
  /** The takeUp() that waits for its turn. */
  #next: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Why the guest cannot be followed, in words for people; null when it can. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Takes the guest up when its turn comes, and as often as it takes; resolves after the first time. */
  takeUp(): Promise<void> {
    this.#next ??= this.#options.queue
      .run(() => {
        this.#next = null;
        return this.#closed ? Promise.resolve() : this.#options.takeUp();
      })
      .catch((error: unknown) => this.#tryAgain(error));
    return this.#next;
  }

  /** The same without waiting for it. */
  takeUpSoon(): void {
    unattended('following a guest', this.#options.log, () => this.takeUp());
  }

  /** To be called when the guest is known as it is: whatever was wrong is over. */
  settled(): void {
    this.#trouble = null;
    this.#takenUp = performance.now();
  }

  /**
   * To be called when the connection to the process was lost, with the breach of the protocol that ended it, if one did. takeUp()
   * follows: after a pause where the connection would only be lost again.
   */
  lost(fault: string | null): void {
    unattended('following a guest', this.#options.log, () => this.#reconnect(fault));
  }

  async #reconnect(fault: string | null): Promise<void> {
    if (fault === null && performance.now() - this.#takenUp > RETRY_PAUSE) return this.takeUp();
    const process = await this.#options.process().catch(() => null);
    if (!process || (await waitGone(process, END_TIMEOUT).catch(() => false))) return this.takeUp();
    this.#tryAgain(new MerapiError('hypervisor', `QEMU ${fault ?? 'closes each connection to its monitor'}`));
  }

  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
  }

  #tryAgain(error: unknown): void {
    if (this.#closed) return;
    const { log, uuid, changed } = this.#options;
    log.warn({ err: error, guest: uuid }, 'cannot follow a guest; trying again');
    this.#trouble = `This guest cannot be followed: ${errorText(error)}`;
    changed();
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.takeUpSoon(), RETRY_PAUSE);
    this.#retry.unref();
  }
}
