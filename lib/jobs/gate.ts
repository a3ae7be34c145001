// Holds the jobs that have not begun until the job filters admit them and the jobs that they depend on have ended.
//
// There may be very many queued jobs. So a change looks only at the jobs that it can affect: a new or unblocked job at itself, the end
// of a job under a rate limit at the next job under the same filter. Only a change of the filters looks at all of them.
import type { JobFilter } from '../model/filter.ts';
import { decisive, type Filtered, type Rule, storedRule } from './rules.ts';
import { inOrder, schedule } from './schedule.ts';

/** A job that has not begun. */
export interface Entrant extends Filtered {
  readonly priority: number;
  /** Called when the job may begin. */
  start(): void;
  /** Called when a filter rejects the job: it must end without having begun. */
  reject(filter: JobFilter): void;
}

interface Running {
  readonly job: Filtered;
  filter: JobFilter | null;
}

interface Waiting {
  readonly job: Entrant;
  blocked: boolean;
  filter: JobFilter | null;
}

/** Decides which jobs begin; `filter` of a job is the filter that decides about it, null when none does. */
export class Gate {
  #rules: readonly Rule[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #running = new Map<number, Running>();
  /** How many running jobs each filter decides about, by the uuid of the filter; rate limits compare with it. */
  readonly #counts = new Map<string, number>();

  /** Decides about all jobs again with these stored filters, which are in the order in which they are asked. */
  apply(filters: readonly JobFilter[]): void {
    this.#rules = filters.map(storedRule);
    this.#counts.clear();
    for (const entry of this.#running.values()) {
      entry.filter = decisive(this.#rules, entry.job);
      this.#count(entry.filter, 1);
    }
    for (const entry of this.#waiting.values()) entry.filter = decisive(this.#rules, entry.job);
    this.#decide([...this.#waiting.values()]);
  }

  /** Adds a job, which may call its start() or reject() at once. A `blocked` one does not start before unblock(). */
  enter(job: Entrant, blocked: boolean): void {
    if (this.#rules.length === 0 && !blocked) {
      this.#begin(job, null);
      job.start();
      return;
    }
    const waiting = { job, blocked, filter: decisive(this.#rules, job) };
    this.#waiting.set(job.id, waiting);
    this.#decide([waiting]);
  }

  /** The filter that decides about a waiting job. */
  filterOf(id: number): JobFilter | null {
    return this.#waiting.get(id)?.filter ?? null;
  }

  /** To be called when all jobs that a waiting job depends on have ended. */
  unblock(id: number): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    waiting.blocked = false;
    this.#decide([waiting]);
  }

  /** Adds a job that had begun before the master was restarted: it counts as running, whatever the filters say now. */
  resume(job: Filtered): void {
    this.#begin(job, decisive(this.#rules, job));
  }

  /** Removes a job that has ended or was canceled; it makes room for the next one under the same filter. */
  leave(id: number): void {
    this.#waiting.delete(id);
    const filter = this.#running.get(id)?.filter ?? null;
    this.#running.delete(id);
    if (!filter) return;
    this.#count(filter, -1);
    const next = this.#first(filter);
    if (next) this.#decide([next]);
  }

  /** The first job in order among the unblocked ones that a filter decides about. */
  #first(filter: JobFilter): Waiting | null {
    let first: Waiting | null = null;
    for (const waiting of this.#waiting.values())
      if (waiting.filter === filter && !waiting.blocked)
        if (!first || inOrder(waiting.job, first.job) < 0) first = waiting;
    return first;
  }

  #begin(job: Filtered, filter: JobFilter | null): void {
    this.#running.set(job.id, { job, filter });
    this.#count(filter, 1);
  }

  #count(filter: JobFilter | null, change: number): void {
    if (filter) this.#counts.set(filter.uuid, (this.#counts.get(filter.uuid) ?? 0) + change);
  }

  #decide(waiting: readonly Waiting[]): void {
    const jobs = waiting.map(({ job: { id, priority }, blocked, filter }) => ({
      id,
      priority,
      blocked,
      filter,
    }));
    const { start, reject } = schedule(jobs, this.#counts);
    for (const id of start) {
      const { job, filter } = this.#take(id);
      this.#begin(job, filter);
      job.start();
    }
    for (const id of reject) {
      const { job, filter } = this.#take(id);
      if (filter) job.reject(filter);
    }
  }

  #take(id: number): Waiting {
    const waiting = this.#waiting.get(id) as Waiting;
    this.#waiting.delete(id);
    return waiting;
  }
}
