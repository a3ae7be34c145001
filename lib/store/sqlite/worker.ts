// The thread that owns a database connection; database.ts is the main thread's side. There is one that writes, and one that only reads.
// No fsync blocks the main thread, and while one group of commits is written the next one collects: each group is one transaction.
//
// A thread is told to open a database, and answers with `ready` or `refused`; when it has closed that one, it can open another.
//
// A write transaction first checks the epoch: if another master has taken the store over, nothing is written any more. After a failure
// all commits of the same generation are refused, since they were built on the failed one.
import { parentPort } from 'node:worker_threads';
import type Database from 'better-sqlite3';
import { errorText, MerapiError } from '../../base/errors.ts';
import { openDatabase } from './migrate.ts';
import { type Query, reads, type Statement, type WriteName, writes } from './sql.ts';

/** How the thread opens the database: as the one that writes, or as one that only reads. */
export interface WorkerStart {
  file: string;
  readonly: boolean;
}

/** A request to the thread; `id` is returned with the answer. */
export type ToWorker =
  | { kind: 'open'; start: WorkerStart }
  | { kind: 'write'; id: number; generation: number; statements: readonly Statement[] }
  | { kind: 'read'; id: number; queries: readonly Query[] }
  | { kind: 'close' }
  | { kind: 'end' };

/** `lost`: another master has taken the store over. `culprit`: the commit whose values no database would accept, if that is the reason. */
export type FromWorker =
  | { kind: 'ready'; epoch: number }
  | { kind: 'refused'; message: string }
  | { kind: 'done'; ids: number[] }
  | { kind: 'rows'; id: number; rows: unknown[][] }
  | { kind: 'closed' }
  | {
      kind: 'failed';
      ids: number[];
      generation: number | null;
      message: string;
      lost: boolean;
      culprit: number | null;
    };

type Write = Extract<ToWorker, { kind: 'write' }>;

const port = parentPort;
if (!port) throw new Error('This file is the body of a worker thread');

class LeadershipLost extends MerapiError {}

/** A commit that no database would accept, whatever the disk. */
class BadCommit extends Error {
  readonly id: number;
  constructor(id: number, cause: Error) {
    super('What was to be written cannot be stored', { cause });
    this.id = id;
  }
}

/** The database that the thread has open. */
class Opened {
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, Database.Statement>();
  readonly #writeAll: Database.Transaction<(commits: readonly Write[]) => void>;
  readonly #readAll: Database.Transaction<(queries: readonly Query[]) => unknown[][]>;
  /** The number of this owner of the store; 0 for a connection that only reads. */
  readonly epoch: number;
  #waiting: Write[] = [];
  /** Commits of this generation and of older ones are refused, since an earlier one failed. */
  #voided = -1;

  constructor({ file, readonly }: WorkerStart) {
    let epoch = 0;
    this.#database = openDatabase(file, readonly, (own) => {
      own.prepare(writes.epochClaim).run();
      epoch = (own.prepare(reads.epoch).get() as { value: number }).value;
    });
    this.epoch = epoch;
    this.#writeAll = this.#database.transaction((commits) => this.#runWrites(commits));
    // In one transaction, so that all queries see the same state.
    this.#readAll = this.#database.transaction((queries) =>
      queries.map(([name, values]) => this.#statement(reads[name]).all(...values)),
    );
  }

  /** Everything that has arrived by the next turn shares one transaction and one fsync. */
  write(commit: Write): void {
    if (this.#waiting.push(commit) === 1) setImmediate(() => this.#flush());
  }

  read(id: number, queries: readonly Query[]): void {
    try {
      send({ kind: 'rows', id, rows: this.#readAll(queries) });
    } catch (error) {
      fail([id], null, error);
    }
  }

  close(): void {
    this.#flush();
    this.#database.close();
  }

  #statement(sql: string): Database.Statement {
    let found = this.#prepared.get(sql);
    if (!found) {
      found = this.#database.prepare(sql);
      this.#prepared.set(sql, found);
    }
    return found;
  }

  #runWrites(commits: readonly Write[]): void {
    const { value } = this.#statement(reads.epoch).get() as { value: number };
    if (value !== this.epoch)
      throw new LeadershipLost('unavailable', 'Another master has taken over this store');
    for (const { id, statements } of commits)
      try {
        for (const [name, values] of statements) this.#statement(writes[name as WriteName]).run(...values);
      } catch (error) {
        throw isDefect(error) ? new BadCommit(id, error) : error;
      }
  }

  #flush(): void {
    const commits = this.#waiting;
    this.#waiting = [];
    const live = commits.filter((commit) => commit.generation > this.#voided);
    const late = commits.filter((commit) => commit.generation <= this.#voided).map((commit) => commit.id);
    if (late.length > 0) fail(late, null, new MerapiError('unavailable', 'An earlier commit failed'));
    if (live.length === 0) return;
    const ids = live.map((commit) => commit.id);
    try {
      this.#writeAll.immediate(live);
      send({ kind: 'done', ids });
    } catch (error) {
      this.#voided = Math.max(...live.map((commit) => commit.generation));
      fail(ids, this.#voided, error);
    }
  }
}

/** Whether an error is caused by the written values, and not by the disk. The schema has no triggers; tests simulate a full disk by one. */
function isDefect(error: unknown): error is Error {
  if (error instanceof TypeError || error instanceof RangeError) return true; // a value that SQLite has no type for
  const { code = '' } = error as { code?: string };
  return code !== 'SQLITE_CONSTRAINT_TRIGGER' && /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}

function fail(ids: number[], generation: number | null, error: unknown): void {
  send({
    ...{ kind: 'failed', ids, generation },
    message: errorText(error instanceof BadCommit ? error.cause : error),
    lost: error instanceof LeadershipLost,
    culprit: error instanceof BadCommit ? error.id : null,
  });
}

function send(message: FromWorker): void {
  port?.postMessage(message);
}

function open(start: WorkerStart): Opened | null {
  try {
    const opened = new Opened(start);
    send({ kind: 'ready', epoch: opened.epoch });
    return opened;
  } catch (error) {
    send({ kind: 'refused', message: (error as Error).message });
    return null;
  }
}

let opened: Opened | null = null;
port.on('message', (message: ToWorker) => {
  if (message.kind === 'open') opened = open(message.start);
  else if (message.kind === 'write') opened?.write(message);
  else if (message.kind === 'read') opened?.read(message.id, message.queries);
  else if (message.kind === 'end') port.close();
  else {
    opened?.close();
    opened = null;
    send({ kind: 'closed' });
  }
});
