import { isFinal, type Job } from '../model/job.ts';

/** Reads large jobs one at a time, and each once for all who want it meanwhile; one that has ended is shared as long as somebody has it. */
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

  /** The job; null when there is none. What is under way may be some moments old, but no older than the last change that is told of. */
  get(id: number): Promise<Job | null> {
    const known = this.#ended.get(id)?.deref();
    if (known) return Promise.resolve(known);
    const waiting = this.#underWay.get(id);
    if (waiting) return waiting;
    const job = this.#last.then(() => {
      this.#underWay.delete(id); // who comes from now on may want a newer state
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
