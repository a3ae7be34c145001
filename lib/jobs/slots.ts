import { MerapiError } from '../base/errors.ts';
import { inOrder } from './schedule.ts';

/** Who waits for a slot. */
interface Waiter {
  /** The number of its job. */
  readonly id: number;
  readonly priority: number;
  readonly take: () => void;
}

/**
 * How many opcodes run at once: the cluster's max_running_jobs. An opcode takes its slot when it has its locks, so those that
 * wait for locks take none; and those that wait for a slot give up their locks to more urgent ones.
 */
export class Slots {
  readonly #limit: () => number;
  readonly #running = new Set<number>();
  #waiting: Waiter[] = [];
  /** Whether a slot became free this very moment: who gets it is decided when all have come who can go on for the same reason. */
  #isSettling = false;

  /** `limit` tells how many may run now. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** How many run, and how many may. */
  get state(): { running: number; limit: number } {
    return { running: this.#running.size, limit: this.#limit() };
  }

  /** The jobs that wait, in the order in which they will go. */
  get waiting(): readonly number[] {
    return this.#waiting.map(({ id }) => id);
  }

  /** Takes a slot if one is free this very moment: the common case, which needs no signal. */
  tryTake(job: number): boolean {
    if (this.#running.size >= this.#limit() || this.#isSettling) return false;
    this.#running.add(job);
    return true;
  }

  /** Waits for a slot; the lower priority goes first, then the lower number. @throws the signal's reason */
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
      let place = this.#waiting.length;
      while (place > 0 && inOrder(waiter, this.#waiting[place - 1] as Waiter) < 0) place -= 1;
      this.#waiting.splice(place, 0, waiter);
    });
  }

  /** An opcode ran in an earlier life of the master already: it needs no leave. */
  resume(job: number): void {
    if (this.#running.has(job)) throw new MerapiError('internal_error', `Job ${job} runs twice`);
    this.#running.add(job);
  }

  /**
   * An opcode has ended. Its locks may have gone to a more urgent one than those that wait here; that one comes in the same turn of
   * the event loop, so the slot is given away after it.
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

  /** Lets those go on who may; after the limit has changed. */
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
