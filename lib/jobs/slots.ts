import { MerapiError } from '../base/errors.ts';
import { inOrder } from './schedule.ts';

/** An opcode that waits for a slot. */
interface Waiter {
  /** The number of its job. */
  readonly id: number;
  readonly priority: number;
  readonly take: () => void;
}

/**
 * Limits how many opcodes run at once, by the cluster's max_running_jobs. An opcode takes its slot after its locks, so opcodes that
 * wait for locks occupy none; one that has its locks and waits for a slot still gives the locks up to a more urgent opcode.
 */
export class Slots {
  readonly #limit: () => number;
  readonly #running = new Set<number>();
  #waiting: Waiter[] = [];
  /** Whether a slot has become free in this turn of the event loop; see leave(). */
  #isSettling = false;

  /** @param limit returns how many may run now; serve() must be called after it has changed */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** How many opcodes run, and the limit. */
  get state(): { running: number; limit: number } {
    return { running: this.#running.size, limit: this.#limit() };
  }

  /** The waiting jobs, in the order in which they get slots. */
  get waiting(): readonly number[] {
    return this.#waiting.map(({ id }) => id);
  }

  /** Takes a slot if one is free now; the common case, which needs no AbortSignal. */
  tryTake(job: number): boolean {
    if (this.#running.size >= this.#limit() || this.#isSettling) return false;
    this.#running.add(job);
    return true;
  }

  /** Waits for a slot; the lower priority number goes first, then the lower job number. @throws the signal's reason */
  async take(job: number, priority: number, signal: AbortSignal): Promise<void> {
    if (this.tryTake(job)) return;
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        id: job,
        priority,
        take: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      let position = this.#waiting.length;
      while (position > 0 && inOrder(waiter, this.#waiting[position - 1] as Waiter) < 0) position -= 1;
      this.#waiting.splice(position, 0, waiter);
    });
  }

  /** Adds an opcode that ran before the master was restarted: it skips the wait, even when this exceeds the limit. */
  resume(job: number): void {
    if (this.#running.has(job)) throw new MerapiError('internal_error', `Job ${job} runs twice`);
    this.#running.add(job);
  }

  /**
   * Returns the slot of a job, if it has one. Its locks may have been granted to an opcode that is more urgent than those that wait
   * here, and that asks for a slot in the same turn of the event loop: so a slot of a full set is assigned in the next turn.
   */
  leave(job: number): void {
    const wasFull = this.#running.size >= this.#limit();
    if (!this.#running.delete(job) || !wasFull || this.#isSettling) return;
    this.#isSettling = true;
    setImmediate(() => {
      this.#isSettling = false;
      this.serve();
    });
  }

  /** Admits waiters up to the limit; to be called after the limit has changed. */
  serve(): void {
    if (this.#isSettling) return;
    while (this.#running.size < this.#limit()) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running.add(next.id);
      next.take();
    }
  }
}
