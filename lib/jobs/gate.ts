import type { JobFilter } from '../model/filter.ts';
import { decisive, type Filtered, type Rule, storedRule } from './rules.ts';
import { inOrder, schedule } from './schedule.ts';

/** A job that has not begun. */
export interface Entrant extends Filtered {
  readonly priority: number;
  /** Called when it may begin. */
  start(): void;
  /** Called when it is to end before it begins, by the words of a filter. */
  reject(filter: JobFilter): void;
}

interface Begun {
  readonly job: Filtered;
  filter: JobFilter | null;
}

interface Standing {
  readonly job: Entrant;
  blocked: boolean;
  filter: JobFilter | null;
}

/** Where jobs wait until the job filters let them begin. There may be very many: none is looked at without need. */
export class Gate {
  #rules: readonly Rule[] = [];
  readonly #waiting = new Map<number, Standing>();
  readonly #running = new Map<number, Begun>();
  /** How many of those that have begun each filter decides about, by its uuid. */
  readonly #counts = new Map<string, number>();

  /** Looks at every job again with these filters, as they are stored. */
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

  /** Takes a job, which may begin at once. A `blocked` one does not begin before unblock(). */
  enter(job: Entrant, blocked: boolean): void {
    if (this.#rules.length === 0 && !blocked) {
      this.#begin(job, null);
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
    this.#begin(job, decisive(this.#rules, job));
  }

  /** A job has ended. */
  leave(id: number): void {
    this.#waiting.delete(id);
    const filter = this.#running.get(id)?.filter ?? null;
    this.#running.delete(id);
    if (!filter) return;
    this.#count(filter, -1);
    const next = this.#first(filter);
    if (next) this.#decide([next]); // who takes the place
  }

  /** The one that goes first of those about which a filter decides and that wait for nothing else. */
  #first(filter: JobFilter): Standing | null {
    let first: Standing | null = null;
    for (const standing of this.#waiting.values())
      if (standing.filter === filter && !standing.blocked)
        if (!first || inOrder(standing.job, first.job) < 0) first = standing;
    return first;
  }

  #begin(job: Filtered, filter: JobFilter | null): void {
    this.#running.set(job.id, { job, filter });
    this.#count(filter, 1);
  }

  #count(filter: JobFilter | null, change: number): void {
    if (filter) this.#counts.set(filter.uuid, (this.#counts.get(filter.uuid) ?? 0) + change);
  }

  #decide(standing: readonly Standing[]): void {
    const jobs = standing.map(({ job: { id, priority }, blocked, filter }) => ({
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

  #take(id: number): Standing {
    const standing = this.#waiting.get(id) as Standing;
    this.#waiting.delete(id);
    return standing;
  }
}
