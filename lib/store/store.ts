import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { ClusterView } from '../model/view.ts';
import type { Change, ObjectChange, ObjectKind, Objects } from './changes.ts';
import { Connection } from './database.ts';
import { JobReader } from './jobs.ts';
import { Snapshot } from './snapshot.ts';
import { type Statement, statementsOf } from './sql.ts';

/** Who makes a change; stands in the events. */
interface Author {
  job: number | null;
}

/**
 * The state of the cluster and of its jobs. One immutable snapshot in memory, changed only by commit(); a commit is one
 * transaction, in the order in which commit() was called, and commits that come together share one fsync.
 */
export interface Store {
  /** The newest state that is on disk. */
  readonly view: ClusterView;
  /** The state that all commits so far lead to, on disk or not yet. What is built on it can only be on disk if they are. */
  readonly pending: ClusterView;
  readonly jobs: JobReader;
  /**
   * Writes changes. They are computed at once, from the state that all earlier commits lead to, on disk or not yet; what
   * `build` throws is thrown and nothing happens. Resolves when they are on disk and `view` shows them.
   * @throws MerapiError unavailable when they cannot be written; then every later commit that was under way fails too.
   */
  commit(author: Author, build: (view: ClusterView) => readonly Change[]): Promise<void>;
  /** Calls back with each new state that is on disk, before the commit that made it resolves. */
  onChange(listener: (view: ClusterView) => void): void;
  /** Called once when a commit could not be written. */
  onFailure(listener: (error: MerapiError) => void): void;
  close(): Promise<void>;
}

/**
 * Opens the store in a file, which is made when it is missing; takes it over from any other master.
 * @throws MerapiError unavailable, naming the file and what to do, when it is not a store, damaged, or cannot be written
 */
export async function openStore(file: string, clock: Clock = systemClock): Promise<Store> {
  await mkdir(dirname(file), { recursive: true });
  const connections: Connection[] = [];
  try {
    for (const readonly of [false, true]) connections.push(await Connection.open({ file, readonly }));
    const [writer, reader] = connections as [Connection, Connection];
    return new SqliteStore(writer, reader, await readObjects(file, reader), clock);
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
      `The store ${file} is damaged (${errorText(cause)}); 'merapi check' tells where, and 'merapi restore FILE --dir DIR --force' puts a backup in its place`,
      { cause },
    );
  }
}

class SqliteStore implements Store {
  readonly jobs: JobReader;
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #clock: Clock;
  /** The state on disk, and the one that commits under way lead to. */
  #durable: Snapshot;
  #pending: Snapshot;
  /** Resolves when every commit that was asked for so far has ended, well or not. */
  #settled: Promise<void> = Promise.resolve();
  #listeners: ((error: MerapiError) => void)[] = [];
  readonly #watchers: ((view: ClusterView) => void)[] = [];

  constructor(writer: Connection, reader: Connection, snapshot: Snapshot, clock: Clock) {
    this.#writer = writer;
    this.#reader = reader;
    this.#clock = clock;
    this.#durable = snapshot;
    this.#pending = snapshot;
    this.jobs = new JobReader(reader, () => this.#settled);
    writer.onFailure = (error) => {
      this.#pending = this.#durable;
      for (const listener of this.#listeners.splice(0)) listener(error);
    };
  }

  get view(): ClusterView {
    return this.#durable;
  }

  get pending(): ClusterView {
    return this.#pending;
  }

  async commit(author: Author, build: (view: ClusterView) => readonly Change[]): Promise<void> {
    const before = this.#pending;
    const changes = build(before);
    const objects = changes.filter((change): change is ObjectChange => 'kind' in change);
    const after = before.after(objects);
    this.#pending = after;
    const statements = [...changes.flatMap(statementsOf), ...this.#events(author, before, objects)];
    const written = this.#write(statements, after);
    this.#settled = written.catch(() => undefined);
    await written;
  }

  onChange(listener: (view: ClusterView) => void): void {
    this.#watchers.push(listener);
  }

  onFailure(listener: (error: MerapiError) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reader.close();
  }

  async #write(statements: readonly Statement[], after: Snapshot): Promise<void> {
    await this.#writer.write(statements);
    // Commits end in the order in which they began, so the newest to end is the newest state on disk.
    if (after.version <= this.#durable.version) return;
    this.#durable = after;
    for (const watcher of this.#watchers) watcher(after);
  }

  #events(author: Author, before: Snapshot, changes: readonly ObjectChange[]): Statement[] {
    const time = this.#clock.seconds();
    return changes.flatMap((change): Statement[] => {
      const old = before.before(change);
      const object = change.change === 'put' ? change.object : old;
      if (!object) return []; // what was not there cannot have been removed
      const action = change.change === 'remove' ? 'remove' : old ? 'change' : 'add';
      return [
        [
          'eventAdd',
          [time, change.kind, object.uuid, ('name' in object && object.name) || '', action, author.job],
        ],
      ];
    });
  }
}
