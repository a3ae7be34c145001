import { isFinal, type Job } from '../model/job.ts';

/**
 * Limits the memory that large jobs use: they are read one at a time, each once for all callers that ask meanwhile, and the object of
 * a job that has ended is shared as long as anyone refers to it.
 */
export class LargeJobs {
  readonly #read: (id: number) => Promise<Job | null>;
  readonly #underWay = new Map<number, Promise<Job | null>>();
  readonly #ended = new Map<number, WeakRef<Job>>();
  readonly #dropped = new FinalizationRegistry<number>((id) => {
    if (!this.#ended.get(id)?.deref()) this.#ended.delete(id);
  });
  #last: Promise<unknown> = Promise.resolve();

  constructor(read: (id: number) => Promise<Job | null>) {
    this.#read = read;
  }

  /** The job; null when there is none. A caller never joins a read that has begun already, since it would miss later changes. */
  get(id: number): Promise<Job | null> {
    const known = this.#ended.get(id)?.deref();
    if (known) return Promise.resolve(known);
    const waiting = this.#underWay.get(id);
    if (waiting) return waiting;
    const job = this.#last.then(() => {
      this.#underWay.delete(id); // later callers may need a newer state
      return this.#fresh(id);
    });
    this.#underWay.set(id, job);
    this.#last = job.catch(() => undefined);
    return job;
  }

  async #fresh(id: number): Promise<Job | null> {
    const job = await this.#read(id);
    if (!job || !isFinal(job.status)) return job;
    this.#ended.set(id, new WeakRef(job));
    this.#dropped.register(job, id);
    return job;
  }
}
