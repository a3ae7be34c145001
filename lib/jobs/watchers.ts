import { Listeners } from '../base/listeners.ts';

/** Listeners for changes of single jobs. */
export class Watchers {
  readonly #ofJobs = new Map<number, Listeners>();

  /** How many jobs have listeners. */
  get size(): number {
    return this.#ofJobs.size;
  }

  /** Calls back whenever something of the job changed, until the returned function is called. */
  add(job: number, listener: () => void): () => void {
    const listeners = this.#ofJobs.get(job) ?? new Listeners();
    this.#ofJobs.set(job, listeners);
    const remove = listeners.add(listener);
    return () => {
      remove();
      if (listeners.size === 0 && this.#ofJobs.get(job) === listeners) this.#ofJobs.delete(job);
    };
  }

  /** Calls the listeners of a job. */
  notify(job: number): void {
    this.#ofJobs.get(job)?.notify();
  }
}
