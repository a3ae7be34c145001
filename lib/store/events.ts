import type { Clock } from '../base/clock.ts';
import { Listeners } from '../base/listeners.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { Change, ObjectChange } from './changes.ts';
import type { EventReader } from './define.ts';
import type { Snapshot } from './snapshot.ts';

/** How many of the newest events are kept in memory, for clients that follow the stream. */
const KEPT = 2000;

/** Reads up to `limit` stored events after an id; `first` is the oldest stored id, null when there is none. */
export type ReadEvents = (
  id: number,
  limit: number,
) => Promise<{ events: readonly ClusterEvent[]; first: number | null }>;

/** Numbers the events of a store in the order of its commits, and shows them when they are durable. */
export class EventLog implements EventReader {
  readonly #stored: ReadEvents;
  readonly #clock: Clock;
  readonly #listeners = new Listeners();
  /** The newest durable ones, without gaps. */
  #recent: ClusterEvent[] = [];
  /** The id of the newest durable event. */
  #last: number;
  /** The last assigned id, of an event that is durable or not yet. */
  #assigned: number;

  /** @param last the id of the newest event that was ever stored; 0 when there was none */
  constructor(clock: Clock, last: number, stored: ReadEvents) {
    this.#stored = stored;
    this.#clock = clock;
    this.#last = last;
    this.#assigned = last;
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
    // The reading thread may see a commit before this thread knows that it is durable, or may not see one that becomes durable
    // meanwhile. Neither may look like a gap.
    return { events: events.filter((event) => event.id <= this.#last), first: first ?? last + 1 };
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Makes the events of a commit, and numbers them. `before` is the state before the commit. */
  of(author: number | null, before: Snapshot, changes: readonly Change[]): ClusterEvent[] {
    const time = this.#clock.seconds();
    return changes.flatMap((change) => {
      const event = 'kind' in change ? ofObject(before, change) : ofJob(change);
      return event ? [{ id: ++this.#assigned, time, job: author, ...event }] : [];
    });
  }

  /** To be called when the events of a commit are durable. */
  publish(events: readonly ClusterEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.#last = last.id;
    this.#recent.push(...events);
    if (this.#recent.length > 2 * KEPT) this.#recent = this.#recent.slice(-KEPT);
    this.#listeners.notify();
  }

  /** To be called when commits have failed: the numbers of their events are assigned again. */
  discard(): void {
    this.#assigned = this.#last;
  }
}

type NewEvent = Pick<ClusterEvent, 'kind' | 'uuid' | 'name' | 'action'> & { job?: number };

function ofObject(before: Snapshot, change: ObjectChange): NewEvent | null {
  const old = before.before(change);
  const object = change.change === 'put' ? change.object : old;
  if (!object) return null; // the removal of an object that does not exist
  const action = change.change === 'remove' ? 'remove' : old ? 'change' : 'add';
  return { kind: change.kind, uuid: object.uuid, name: ('name' in object && object.name) || '', action };
}

function ofJob(change: Exclude<Change, ObjectChange>): NewEvent | null {
  const event = (job: number, action: string, name = '') => ({
    kind: 'job',
    uuid: String(job),
    name,
    action,
    job,
  });
  switch (change.change) {
    case 'job-add':
      if (change.job.brief) return null; // read-only jobs make no events: they would displace others
      return event(change.job.id, 'queued', change.job.ops.map(({ input }) => input.OP_ID).join(' '));
    case 'job-set':
      if (change.brief) return null;
      return event(change.job, change.status);
    case 'job-cancel':
      return event(change.job, 'canceling');
    default:
      return null;
  }
}
