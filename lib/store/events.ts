import type { Clock } from '../base/clock.ts';
import { Listeners } from '../base/listeners.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { Change, ObjectChange } from './changes.ts';
import type { Connection } from './database.ts';
import type { Snapshot } from './snapshot.ts';

/** How many of the newest events are kept in memory, for those who follow them. */
const KEPT = 2000;

/** The events that are on disk. */
export interface EventReader {
  /** The id of the newest one; 0 when there was none. */
  readonly last: number;
  /** Those after an id, so many at most, in their order; `first` is the oldest id that is kept (last + 1 when there is none). */
  after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number }>;
  /** How many want to be called back now. */
  readonly listeners: number;
  /** Calls back when there are new ones, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** Numbers events in the order of their commits, and tells of them when they are on disk. */
export class EventLog implements EventReader {
  readonly #reader: Connection;
  readonly #clock: Clock;
  readonly #listeners = new Listeners();
  /** The newest ones on disk, without gaps. */
  #recent: ClusterEvent[] = [];
  #last: number;
  /** The last id that was given away, on disk or not yet. */
  #given: number;

  private constructor(reader: Connection, clock: Clock, last: number) {
    this.#reader = reader;
    this.#clock = clock;
    this.#last = last;
    this.#given = last;
  }

  static async open(reader: Connection, clock: Clock): Promise<EventLog> {
    const [rows] = await reader.read<[{ id: number }]>(['lastEvent', []]);
    return new EventLog(reader, clock, rows[0]?.id ?? 0);
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
    const [events, ends] = await this.#reader.read<[ClusterEvent, { id: number | null }]>(
      ['events', [id, limit]],
      ['firstEvent', []],
    );
    // The reading thread may see a commit before this one has heard that it is done.
    return { events: events.filter((event) => event.id <= this.#last), first: ends[0]?.id ?? this.#last + 1 };
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
    this.#listeners.tell();
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
