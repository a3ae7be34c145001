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

/** Which waiting jobs begin and which are rejected; the others go on waiting. */
export interface Schedule {
  /** In the order in which they begin. */
  readonly start: readonly number[];
  readonly reject: readonly number[];
}

/**
 * Decides which jobs begin. Under a rate limit jobs begin in order; a blocked job does not count against the limit.
 * @param running how many running jobs each filter decides about, by the uuid of the filter
 */
export function schedule(waiting: readonly Waiting[], running: ReadonlyMap<string, number>): Schedule {
  const taken = new Map<string, number>();
  const start: number[] = [];
  const reject: number[] = [];
  for (const { id, filter, blocked } of waiting.toSorted(inOrder)) {
    const action = filter?.action ?? 'ACCEPT';
    if (action === 'REJECT') reject.push(id);
    if (blocked || action === 'REJECT' || action === 'PAUSE') continue;
    if (filter && Array.isArray(action)) {
      const more = taken.get(filter.uuid) ?? 0;
      if ((running.get(filter.uuid) ?? 0) + more >= action[1]) continue;
      taken.set(filter.uuid, more + 1);
    }
    start.push(id);
  }
  return { start, reject };
}

/** The order of jobs: by priority, the lower number first, then by id. */
export function inOrder(a: Pick<Waiting, 'id' | 'priority'>, b: Pick<Waiting, 'id' | 'priority'>): number {
  return a.priority - b.priority || a.id - b.id;
}
