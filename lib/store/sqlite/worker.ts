// The thread that owns a database connection; database.ts is the main thread's side. There is one that writes, and one that only reads.
// No fsync blocks the main thread, and while one group of commits is written the next one collects: each group is one transaction.
//
// A write transaction first checks the epoch: if another master has taken the store over, nothing is written any more. After a failure
// all commits of the same generation are refused, since they were built on the failed one.
import { parentPort, workerData } from 'node:worker_threads';
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
  | { kind: 'write'; id: number; generation: number; statements: readonly Statement[] }
  | { kind: 'read'; id: number; queries: readonly Query[] }
  | { kind: 'close' };

/** `lost`: another master has taken the store over. `culprit`: the commit whose values no database would accept, if that is the reason. */
export type FromWorker =
  | { kind: 'ready'; epoch: number }
  | { kind: 'done'; ids: number[] }
  | { kind: 'rows'; id: number; rows: unknown[][] }
  | {
      kind: 'failed';
      ids: number[];
      generation: number | null;
      message: string;
      lost: boolean;
      culprit: number | null;
    };

const port = parentPort;
if (!port) throw new Error('This file is the body of a worker thread');
const { file, readonly } = workerData as WorkerStart;
let epoch = 0;
const database = openDatabase(file, readonly, (own) => {
  own.prepare(writes.epochClaim).run();
  epoch = (own.prepare(reads.epoch).get() as { value: number }).value;
});
const prepared = new Map<string, Database.Statement>();

function statement(sql: string): Database.Statement {
  let found = prepared.get(sql);
  if (!found) {
    found = database.prepare(sql);
    prepared.set(sql, found);
  }
  return found;
}

function readEpoch(): number {
  return (statement(reads.epoch).get() as { value: number }).value;
}

type Write = Extract<ToWorker, { kind: 'write' }>;
let waiting: Write[] = [];
/** Commits of this generation and of older ones are refused, since an earlier one failed. */
let voided = -1;

class LeadershipLost extends MerapiError {}

/** A commit that no database would accept, whatever the disk. */
class BadCommit extends Error {
  readonly id: number;
  constructor(id: number, cause: Error) {
    super('What was to be written cannot be stored', { cause });
    this.id = id;
  }
}

const writeAll = database.transaction((commits: readonly Write[]) => {
  if (readEpoch() !== epoch)
    throw new LeadershipLost('unavailable', 'Another master has taken over this store');
  for (const { id, statements } of commits)
    try {
      for (const [name, values] of statements) statement(writes[name as WriteName]).run(...values);
    } catch (error) {
      throw isDefect(error) ? new BadCommit(id, error) : error;
    }
});

/** Whether an error is caused by the written values, and not by the disk. The schema has no triggers; tests simulate a full disk by one. */
function isDefect(error: unknown): error is Error {
  if (error instanceof TypeError || error instanceof RangeError) return true; // a value that SQLite has no type for
  const { code = '' } = error as { code?: string };
  return code !== 'SQLITE_CONSTRAINT_TRIGGER' && /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code);
}

/** Runs queries in one transaction, so that they see the same state. */
const readAll = database.transaction((queries: readonly Query[]) =>
  queries.map(([name, values]) => statement(reads[name]).all(...values)),
);

function flush(): void {
  const commits = waiting;
  waiting = [];
  const live = commits.filter((commit) => commit.generation > voided);
  const late = commits.filter((commit) => commit.generation <= voided).map((commit) => commit.id);
  if (late.length > 0) fail(late, null, new MerapiError('unavailable', 'An earlier commit failed'));
  if (live.length === 0) return;
  const ids = live.map((commit) => commit.id);
  try {
    writeAll.immediate(live);
    send({ kind: 'done', ids });
  } catch (error) {
    voided = Math.max(...live.map((commit) => commit.generation));
    fail(ids, voided, error);
  }
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

port.on('message', (message: ToWorker) => {
  if (message.kind === 'write') {
    // Everything that has arrived by the next turn shares one transaction and one fsync.
    if (waiting.push(message) === 1) setImmediate(flush);
  } else if (message.kind === 'read') {
    try {
      send({ kind: 'rows', id: message.id, rows: readAll(message.queries) });
    } catch (error) {
      fail([message.id], null, error);
    }
  } else {
    flush();
    database.close();
    port.close();
  }
});
send({ kind: 'ready', epoch });
