import type { JobFilter } from '../model/filter.ts';

/** A job that has not begun. */
export interface Waiting {
  readonly id: number;
  /** The smaller number goes first; of equal ones the lower id. */
  readonly priority: number;
  /** Whether it waits for other jobs to end, so that it could not begin anyway. */
  readonly blocked: boolean;
  /** The filter that decides about it. */
  readonly filter: JobFilter | null;
}

/** What is to be done with jobs that have not begun; about the others there is nothing to do now. */
export interface Schedule {
  /** In the order in which they begin. */
  readonly start: readonly number[];
  readonly reject: readonly number[];
}

/**
 * Decides which jobs begin. Nobody overtakes within a rate limit; a job that waits for others takes none of its places.
 * @param running the filters that decide about the jobs that have begun and not ended
 */
export function schedule(waiting: readonly Waiting[], running: Iterable<JobFilter | null>): Schedule {
  const used = new Map<string, number>();
  const take = (filter: JobFilter) => used.set(filter.uuid, (used.get(filter.uuid) ?? 0) + 1);
  for (const filter of running) if (filter) take(filter);
  const start: number[] = [];
  const reject: number[] = [];
  const inOrder = waiting.toSorted((a, b) => a.priority - b.priority || a.id - b.id);
  for (const { id, filter, blocked } of inOrder) {
    const action = filter?.action ?? 'ACCEPT';
    if (action === 'REJECT') reject.push(id);
    if (blocked || action === 'REJECT' || action === 'PAUSE') continue;
    if (filter && Array.isArray(action)) {
      if ((used.get(filter.uuid) ?? 0) >= action[1]) continue;
      take(filter);
    }
    start.push(id);
  }
  return { start, reject };
}
