import type { Clock } from '../base/clock.ts';
import { Listeners } from '../base/listeners.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { Change, ObjectChange } from './changes.ts';
import type { EventReader } from './define.ts';
import type { Snapshot } from './snapshot.ts';

/** How many of the newest events are kept in memory, for those who follow them. */
const KEPT = 2000;

/** Reads stored events after an id, so many at most; `first` is the oldest id that is stored, null when there is none. */
export type ReadEvents = (
  id: number,
  limit: number,
) => Promise<{ events: readonly ClusterEvent[]; first: number | null }>;

/** Numbers the events of a store in the order of its commits, and shows them when they are on disk. */
export class EventLog implements EventReader {
  readonly #stored: ReadEvents;
  readonly #clock: Clock;
  readonly #listeners = new Listeners();
  /** The newest ones on disk, without gaps. */
  #recent: ClusterEvent[] = [];
  #last: number;
  /** The last id that was given away, on disk or not yet. */
  #given: number;

  /** `last` is the id of the newest event that was ever stored; 0 when there was none. */
  constructor(clock: Clock, last: number, stored: ReadEvents) {
    this.#stored = stored;
    this.#clock = clock;
    this.#last = last;
    this.#given = last;
  }

  get last(): number {
    return this.#last;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number }> {
    const oldest = this.#recent[0];
    if (oldest && oldest.id <= id + 1)
      return { events: this.#recent.slice(id + 1 - oldest.id, id + 1 - oldest.id + limit), first: oldest.id };
    const last = this.#last;
    const { events, first } = await this.#stored(id, limit);
    // The reader may see a commit before this process has heard that it is done, or may not see one of which it hears meanwhile:
    // that one is no gap.
    return { events: events.filter((event) => event.id <= this.#last), first: first ?? last + 1 };
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** The events of a commit, with their numbers. */
  of(author: number | null, before: Snapshot, changes: readonly Change[]): ClusterEvent[] {
    const time = this.#clock.seconds();
    return changes.flatMap((change) => {
      const told = 'kind' in change ? ofObject(before, change) : ofJob(change);
      return told ? [{ id: ++this.#given, time, job: author, ...told }] : [];
    });
  }

  /** They are on disk. */
  publish(events: readonly ClusterEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.#last = last.id;
    this.#recent.push(...events);
    if (this.#recent.length > 2 * KEPT) this.#recent = this.#recent.slice(-KEPT);
    this.#listeners.notify();
  }

  /** Those that are not on disk will never be. */
  discard(): void {
    this.#given = this.#last;
  }
}

type Told = Pick<ClusterEvent, 'kind' | 'uuid' | 'name' | 'action'> & { job?: number };

function ofObject(before: Snapshot, change: ObjectChange): Told | null {
  const old = before.before(change);
  const object = change.change === 'put' ? change.object : old;
  if (!object) return null; // what was not there cannot have been removed
  const action = change.change === 'remove' ? 'remove' : old ? 'change' : 'add';
  return { kind: change.kind, uuid: object.uuid, name: ('name' in object && object.name) || '', action };
}

function ofJob(change: Exclude<Change, ObjectChange>): Told | null {
  const told = (job: number, action: string, name = '') => ({
    kind: 'job',
    uuid: String(job),
    name,
    action,
    job,
  });
  switch (change.change) {
    case 'job-add':
      if (change.job.brief) return null; // who only reads is no news, and shall not displace it
      return told(change.job.id, 'queued', change.job.ops.map(({ input }) => input.OP_ID).join(' '));
    case 'job-set':
      if (change.brief) return null;
      return told(change.job, change.status);
    case 'job-cancel':
      return told(change.job, 'canceling');
    default:
      return null;
  }
}
