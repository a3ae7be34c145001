import type { JobFilter } from '../model/filter.ts';
import { decisive, type Filtered, type Rule, ruleOf } from './rules.ts';
import { schedule } from './schedule.ts';

/** A job that has not begun. */
export interface Entrant extends Filtered {
  readonly priority: number;
  /** Called when it may begin. */
  start(): void;
  /** Called when it is to end before it begins. */
  reject(): void;
}

interface Standing {
  readonly job: Entrant;
  blocked: boolean;
  filter: JobFilter | null;
}

/** Where jobs wait until the job filters let them begin. */
export class Gate {
  #rules: readonly Rule[] = [];
  readonly #waiting = new Map<number, Standing>();
  readonly #running = new Map<number, { job: Filtered; filter: JobFilter | null }>();

  /** Looks at every job anew with these filters. @throws MerapiError bad_request when one cannot be understood */
  apply(filters: readonly JobFilter[]): void {
    this.#rules = filters.map(ruleOf);
    for (const entry of [...this.#waiting.values(), ...this.#running.values()])
      entry.filter = decisive(this.#rules, entry.job);
    this.#decide([...this.#waiting.values()]);
  }

  /** Takes a job, which may begin at once. A `blocked` one does not begin before unblock(). */
  enter(job: Entrant, blocked: boolean): void {
    if (this.#rules.length === 0 && !blocked) {
      this.#running.set(job.id, { job, filter: null });
      job.start();
      return;
    }
    const standing = { job, blocked, filter: decisive(this.#rules, job) };
    this.#waiting.set(job.id, standing);
    this.#decide([standing]);
  }

  /** The filter that decides about a job that has not begun. */
  filterOf(id: number): JobFilter | null {
    return this.#waiting.get(id)?.filter ?? null;
  }

  /** A job that was taken waits for no other any more. */
  unblock(id: number): void {
    const standing = this.#waiting.get(id);
    if (!standing) return;
    standing.blocked = false;
    this.#decide([standing]);
  }

  /** A job had begun in an earlier life of the master. */
  resume(job: Filtered): void {
    this.#running.set(job.id, { job, filter: decisive(this.#rules, job) });
  }

  /** A job has ended. */
  leave(id: number): void {
    this.#waiting.delete(id);
    const ended = this.#running.get(id);
    this.#running.delete(id);
    if (ended?.filter) this.#decide([...this.#waiting.values()]);
  }

  #decide(standing: readonly Standing[]): void {
    const jobs = standing.map(({ job: { id, priority }, blocked, filter }) => ({
      id,
      priority,
      blocked,
      filter,
    }));
    const running = [...this.#running.values()].map(({ filter }) => filter);
    const { start, reject } = schedule(jobs, running);
    for (const id of start) {
      const { job, filter } = this.#take(id);
      this.#running.set(id, { job, filter });
      job.start();
    }
    for (const id of reject) this.#take(id).job.reject();
  }

  #take(id: number): Standing {
    const standing = this.#waiting.get(id) as Standing;
    this.#waiting.delete(id);
    return standing;
  }
}
