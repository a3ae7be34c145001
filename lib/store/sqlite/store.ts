// The SQLite store: the state of the cluster is in memory (Snapshot), and every commit is written to the file. One thread writes and
// another one reads, so that neither an fsync nor a large read blocks the main thread.
import { mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import { Listeners } from '../../base/listeners.ts';
import type { ClusterEvent } from '../../model/event.ts';
import type { ClusterView } from '../../model/view.ts';
import type { Change, ObjectChange, ObjectKind, Objects } from '../changes.ts';
import type { Author, JobReader, Store, WriteFailure } from '../define.ts';
import { EventLog } from '../events.ts';
import { Snapshot } from '../snapshot.ts';
import { Connection, newThreads, type Threads } from './database.ts';
import { SqliteJobReader } from './jobs.ts';
import { eventStatement, type Statement, statementsOf } from './sql.ts';

/**
 * Opens the store in a SQLite file, which is created if it is missing, and takes it over from any other master.
 * @throws MerapiError unavailable, naming the file and what to do, when it is not a store, damaged, or cannot be written
 */
export async function openSqliteStore(
  file: string,
  clock: Clock,
  threads: Threads = newThreads,
): Promise<Store> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const connections: Connection[] = [];
  try {
    for (const readonly of [false, true])
      connections.push(await Connection.open({ file, readonly }, threads));
    const [writer, reader] = connections as [Connection, Connection];
    const snapshot = await readObjects(file, reader);
    return new SqliteStore(file, [writer, reader], snapshot, await openEvents(reader, clock));
  } catch (error) {
    for (const connection of connections) await connection.close();
    throw error;
  }
}

async function readObjects(file: string, reader: Connection): Promise<Snapshot> {
  try {
    const [rows] = await reader.read<[{ kind: ObjectKind; body: string }]>(['objects', []]);
    const objects = rows.map(({ kind, body }) => ({
      kind,
      object: parseJson(body) as unknown as Objects[ObjectKind],
    }));
    return Snapshot.of(objects);
  } catch (cause) {
    throw new MerapiError(
      'unavailable',
      `The store ${file} is damaged (${errorText(cause)}); 'merapi check' reports where, and 'merapi restore FILE --dir DIR --force' restores a backup`,
      { cause },
    );
  }
}

async function openEvents(reader: Connection, clock: Clock): Promise<EventLog> {
  const [rows] = await reader.read<[{ id: number }]>(['lastEvent', []]);
  return new EventLog(clock, rows[0]?.id ?? 0, async (id, limit) => {
    const [events, ends] = await reader.read<[ClusterEvent, { id: number | null }]>(
      ['events', [id, limit]],
      ['firstEvent', []],
    );
    return { events, first: ends[0]?.id ?? null };
  });
}

/** The free space on the disk before writes are retried, in bytes. One record needs less, but the next ones would fail again. */
const ROOM = 1 << 20;

class SqliteStore implements Store {
  readonly #file: string;
  readonly jobs: JobReader;
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly events: EventLog;
  /** The durable state, and the one that includes the commits under way. */
  #durable: Snapshot;
  #pending: Snapshot;
  /** Resolves when every commit that was made so far has ended, successfully or not. */
  #settled: Promise<void> = Promise.resolve();
  #failure: MerapiError | null = null;
  readonly #failures = new Listeners<WriteFailure>();
  readonly #states = new Listeners<ClusterView>();

  constructor(
    file: string,
    connections: readonly [writer: Connection, reader: Connection],
    snapshot: Snapshot,
    events: EventLog,
  ) {
    const [writer, reader] = connections;
    this.#file = file;
    this.#writer = writer;
    this.#reader = reader;
    this.events = events;
    this.#durable = snapshot;
    this.#pending = snapshot;
    this.jobs = new SqliteJobReader(reader, () => this.#settled);
    writer.onFailure = ({ error, lost, culprit }) => {
      this.#pending = this.#durable;
      this.events.discard();
      if (this.#failure) return;
      const words = lost ? '' : '. Changes are refused until it can be written again; reads still work';
      this.#failure = new MerapiError('unavailable', error.message + words, { cause: error });
      this.#failures.notify({ error, lost, culprit });
    };
  }

  get epoch(): number {
    return this.#writer.epoch;
  }

  get view(): ClusterView {
    return this.#durable;
  }

  get pending(): ClusterView {
    return this.#pending;
  }

  get failure(): MerapiError | null {
    return this.#failure;
  }

  async commit(author: Author, build: (view: ClusterView) => readonly Change[]): Promise<void> {
    if (this.#failure) throw this.#failure;
    const before = this.#pending;
    const changes = build(before);
    const objects = changes.filter((change): change is ObjectChange => 'kind' in change);
    const after = before.after(objects);
    this.#pending = after;
    const events = this.events.of(author.job, before, changes);
    const statements = [...changes.flatMap(statementsOf), ...events.map(eventStatement)];
    const written = this.#write(author.job, statements, after, events);
    this.#settled = written.catch(() => undefined);
    await written.catch((error) => {
      throw error instanceof MerapiError && error.code === 'internal_error'
        ? error
        : (this.#failure ?? error);
    });
  }

  onChange(listener: (view: ClusterView) => void): () => void {
    return this.#states.add(listener);
  }

  onFailure(listener: (failure: WriteFailure) => void): () => void {
    return this.#failures.add(listener);
  }

  async retry(): Promise<boolean> {
    try {
      const { bavail, bsize } = await statfs(this.#file);
      if (bavail * bsize < ROOM) return false;
      await this.#writer.write(null, [['probe', []]]);
    } catch {
      return false;
    }
    this.#failure = null;
    return true;
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reader.close();
  }

  async #write(
    job: number | null,
    statements: readonly Statement[],
    after: Snapshot,
    events: readonly ClusterEvent[],
  ): Promise<void> {
    await this.#writer.write(job, statements);
    this.events.publish(events);
    // Commits become durable in order, so the state of this one is the newest durable one.
    if (after.version <= this.#durable.version) return;
    this.#durable = after;
    this.#states.notify(after);
  }
}
