// Reads jobs. A listing of a million jobs must neither block the main thread nor fill its memory: so jobs are read in pages that are
// limited by number and by bytes, and a large job is read alone, with its JSON parsed in slices.
import type { Failure } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { Job, JobOp } from '../../model/job.ts';
import type { JobReader } from '../define.ts';
import { LargeJobs } from '../large-jobs.ts';
import { NOTHING_DONE, type StoredJob, type StoredStep } from '../stored-job.ts';
import type { Connection } from './database.ts';
import { groupBy, type JobRow, jobsOf, type LogRow, type OpRow, parsedTexts, read } from './job-rows.ts';
import type { Query } from './sql.ts';

/** The version of formats in rows of the first release, which stored none. */
const FIRST = 1;

interface IdRow {
  id: number;
}

interface SizeRow extends IdRow {
  size: number;
}

interface StepRow {
  job: number;
  op: number;
  name: string;
  seq: number | null;
  outcome: string | null;
  failure: string | null;
}

interface SecretRow {
  job: number;
  op: number;
  sealed: string;
}

/** A job with more bytes than this is large: it is read alone, and in slices. */
const LARGE = 512 * 1024;

/** The JobReader of the SQLite store. */
export class SqliteJobReader implements JobReader {
  readonly #connection: Connection;
  readonly #settled: () => Promise<void>;
  readonly #large = new LargeJobs((id) => this.#readLarge(id));

  /** @param settled resolves when all commits that were made so far have ended */
  constructor(connection: Connection, settled: () => Promise<void>) {
    this.#connection = connection;
    this.#settled = settled;
  }

  async ids(portion = 10_000): Promise<number[]> {
    const ids: number[] = [];
    for (;;) {
      const [rows] = await this.#read<[IdRow]>(['listed', [ids.at(-1) ?? 0, portion]]);
      for (const { id } of rows) ids.push(id);
      if (rows.length < portion) return ids;
    }
  }

  async lastId(): Promise<number> {
    const [rows] = await this.#read<[{ value: number }]>(['lastJob', []]);
    return rows[0]?.value ?? 0;
  }

  async keyed(principal: string, key: string): Promise<{ fingerprint: string; job: number } | null> {
    const [rows] = await this.#read<[{ fingerprint: string; job: number }]>(['key', [principal, key]]);
    return rows[0] ?? null;
  }

  async archivable(before: number, after: number, limit: number): Promise<number> {
    const [rows] = await this.#read<[{ count: number }]>(['archivable', [before, after, limit]]);
    return rows[0]?.count ?? 0;
  }

  async get(id: number): Promise<Job | null> {
    const [jobs, ops, logs] = await this.#read<[JobRow, OpRow, LogRow]>(
      ['jobs', [id, id]],
      ['shortOps', [id, id, LARGE]],
      ['logs', [id, id]],
    );
    const [row] = jobs;
    if (!row) return null;
    if (ops.length > 0) return jobsOf(jobs, ops, logs).next().value ?? null;
    const large = await this.#large.get(id);
    return large && { ...large, archived: row.archived !== 0 };
  }

  async between(first: number, last: number): Promise<Job[]> {
    return [...(await this.#range(first, last))];
  }

  /** Reads in groups that are limited by `portion` and by bytes. */
  async *all(portion = 200): AsyncGenerator<Job> {
    for (let after = 0; ; ) {
      const [rows] = await this.#read<[SizeRow]>(['listedSizes', [after, portion]]);
      for (const { first, last, isLarge } of runsOf(rows)) {
        const jobs = isLarge ? [await this.get(first)] : await this.#range(first, last);
        for (const job of jobs) if (job && !job.archived) yield job;
      }
      if (rows.length < portion) return;
      after = rows.at(-1)?.id ?? after;
    }
  }

  async *unfinished(portion = 1000): AsyncGenerator<StoredJob> {
    for (let after = 0; ; ) {
      const page = [after, portion];
      const [jobs, ops, logs, steps, secrets] = await this.#read<[JobRow, OpRow, LogRow, StepRow, SecretRow]>(
        ...[['activeJobs', page] as Query, ['activeOps', page] as Query, ['activeLogs', page] as Query],
        ...[['activeSteps', page] as Query, ['activeSecrets', page] as Query],
      );
      const opsOf = groupBy(ops, (row) => row.job);
      const stepsOf = groupBy(steps, (row) => row.job);
      const secretsOf = groupBy(secrets, (row) => row.job);
      const formatOf = new Map(jobs.map((row) => [row.id, row.format ?? FIRST]));
      for (const job of jobsOf(jobs, ops, logs)) {
        const stored = storedJob(job, opsOf.get(job.id) ?? [], stepsOf.get(job.id), secretsOf.get(job.id));
        stored.format = formatOf.get(job.id) ?? FIRST;
        yield stored;
      }
      if (jobs.length < portion) return;
      after = jobs.at(-1)?.id ?? after;
    }
  }

  /** Reads, then waits for commits: the reading thread may see a commit before this thread shows its objects in `view`. */
  async #read<Rows extends readonly unknown[]>(
    ...queries: { [K in keyof Rows]: Query }
  ): Promise<{ [K in keyof Rows]: Rows[K][] }> {
    const rows = await this.#connection.read<Rows>(...queries);
    await this.#settled();
    return rows;
  }

  async #readLarge(id: number): Promise<Job | null> {
    const [jobs, ops, logs] = await this.#read<[JobRow, OpRow, LogRow]>(...jobQueries(id, id));
    const [job] = jobsOf(
      jobs,
      ops.map((row) => ({ ...row, input: 'null', resolved: 'null', result: 'null' })),
      logs,
    );
    if (!job) return null;
    const whole: JobOp[] = [];
    for (const [index, op] of job.ops.entries())
      whole.push({ ...op, ...(await parsedTexts(ops[index] as OpRow)) });
    return { ...job, ops: whole };
  }

  async #range(first: number, last: number): Promise<Iterable<Job>> {
    return jobsOf(...(await this.#read<[JobRow, OpRow, LogRow]>(...jobQueries(first, last))));
  }
}

/** How many archived jobs between two listed ones may be read in vain, so that one query can span them. */
const GAP = 20;

/** Groups jobs into ranges of ids to read together: few bytes, large ones alone, and few archived ones in between. */
function* runsOf(rows: readonly SizeRow[]): Generator<{ first: number; last: number; isLarge: boolean }> {
  let run: { first: number; last: number; isLarge: boolean; size: number } | null = null;
  for (const { id, size } of rows) {
    const isLarge = size > LARGE;
    if (run && !isLarge && !run.isLarge && run.size + size <= LARGE && id - run.last <= GAP) {
      run.last = id;
      run.size += size;
      continue;
    }
    if (run) yield run;
    run = { first: id, last: id, isLarge, size };
  }
  if (run) yield run;
}

function storedJob(
  job: Job,
  ops: readonly OpRow[],
  steps: readonly StepRow[] | undefined,
  secrets: readonly SecretRow[] | undefined,
): StoredJob {
  const stored: StoredJob = { ...NOTHING_DONE, job };
  if (steps) stored.steps = steps.map(stepOf);
  if (secrets) stored.secrets = new Map(secrets.map((row) => [row.op, row.sealed]));
  const parsed = <T>(key: 'locks' | 'undo') =>
    new Map(ops.flatMap((row) => (row[key] === null ? [] : [[row.op, read<T>(row[key])] as const])));
  if (ops.some(({ locks }) => locks !== null)) stored.locks = parsed('locks');
  if (ops.some(({ undo }) => undo !== null)) stored.undo = parsed('undo');
  if (ops.some(({ unit }) => unit !== null))
    stored.units = new Map(ops.flatMap(({ op, unit }) => (unit === null ? [] : [[op, unit] as const])));
  const begun = ops.filter(({ locks }) => locks !== null);
  if (begun.length > 0) stored.journals = new Map(begun.map(({ op, journal }) => [op, journal ?? FIRST]));
  return stored;
}

function jobQueries(first: number, last: number): [Query, Query, Query] {
  const range = [first, last];
  return [
    ['jobs', range],
    ['ops', range],
    ['logs', range],
  ];
}

function stepOf(row: StepRow): StoredStep {
  const { op, name, seq } = row;
  if (seq === null) return { op, name, seq, end: null };
  if (row.failure !== null) return { op, name, seq, end: { failure: read<Failure>(row.failure) } };
  return { op, name, seq, end: { outcome: parseJson(row.outcome ?? 'null') } };
}
