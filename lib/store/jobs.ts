import type { Failure } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import type { Job, JobOp } from '../model/job.ts';
import type { StepOutcome, StoredLock } from './changes.ts';
import type { Connection } from './database.ts';
import { JOB_FORMAT } from './formats.ts';
import { groupBy, type JobRow, jobsOf, type LogRow, type OpRow, parsedTexts, read } from './job-rows.ts';
import { LargeJobs } from './large-jobs.ts';
import type { Query } from './sql.ts';

/** What the journal holds of one step: nothing but its name while its outcome is not known. */
export interface StoredStep {
  op: number;
  name: string;
  /** The order in which the job's steps ended; null of one that began only. */
  seq: number | null;
  end: StepOutcome | null;
}

/** All that is stored of a job that has not ended, for taking it up again. */
export interface StoredJob {
  job: Job;
  steps: readonly StoredStep[];
  /** By opcode index: what it holds, and the failure that it undoes for. */
  locks: ReadonlyMap<number, StoredLock[]>;
  undo: ReadonlyMap<number, Failure>;
  secrets: ReadonlyMap<number, string>;
  /** By opcode index: the version of the unit that an opcode began with. */
  units: ReadonlyMap<number, number>;
  /** In which version of the format its opcodes are stored; and, by the index of those that began, their steps. */
  format: number;
  journals: ReadonlyMap<number, number>;
}

/** The version of what says none. */
const FIRST = 1;

const nothing: ReadonlyMap<number, never> = new Map<number, never>();

/** What is stored of a job that has not begun; all of them share it. */
export const NOTHING_DONE: Omit<StoredJob, 'job'> = {
  steps: [],
  locks: nothing,
  undo: nothing,
  secrets: nothing,
  units: nothing,
  format: JOB_FORMAT,
  journals: nothing,
};

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

/** From how many bytes a job is large: it is read by itself, and in slices. */
const LARGE = 512 * 1024;

/** Reads jobs that are on disk. What they say has been done, the store's view shows by then. */
export class JobReader {
  readonly #connection: Connection;
  readonly #settled: () => Promise<void>;
  readonly #large = new LargeJobs((id) => this.#readLarge(id));

  /** `settled` resolves when the commits that were asked for so far have ended. */
  constructor(connection: Connection, settled: () => Promise<void>) {
    this.#connection = connection;
    this.#settled = settled;
  }

  /** The ids of all jobs that are not archived, ascending; a portion is read at a time. */
  async ids(portion = 10_000): Promise<number[]> {
    const ids: number[] = [];
    for (;;) {
      const [rows] = await this.#read<[IdRow]>(['listed', [ids.at(-1) ?? 0, portion]]);
      for (const { id } of rows) ids.push(id);
      if (rows.length < portion) return ids;
    }
  }

  /** The highest id ever given to a job; 0 when there was none. */
  async lastId(): Promise<number> {
    const [rows] = await this.#read<[{ value: number }]>(['lastJob', []]);
    return rows[0]?.value ?? 0;
  }

  /** The job that a request under this key became, and what tells the request; null when there was none. */
  async keyed(principal: string, key: string): Promise<{ print: string; job: number } | null> {
    const [rows] = await this.#read<[{ print: string; job: number }]>(['key', [principal, key]]);
    return rows[0] ?? null;
  }

  /** How many jobs that ended before one time or after another (seconds since 1970) are not archived, counted up to a limit. */
  async archivable(before: number, after: number, limit: number): Promise<number> {
    const [rows] = await this.#read<[{ count: number }]>(['archivable', [before, after, limit]]);
    return rows[0]?.count ?? 0;
  }

  /** One job, archived ones included. */
  async get(id: number): Promise<Job | null> {
    const [jobs, ops, logs] = await this.#read<[JobRow, OpRow, LogRow]>(
      ['jobs', [id, id]],
      ['shortOps', [id, id, LARGE]],
      ['logs', [id, id]],
    );
    const [row] = jobs;
    if (!row) return null;
    if (ops.length > 0) return jobsOf(jobs, ops, logs)[0] ?? null;
    const large = await this.#large.get(id);
    return large && { ...large, archived: row.archived !== 0 };
  }

  /** The jobs from one number to another, archived ones included. */
  between(first: number, last: number): Promise<Job[]> {
    return this.#range(first, last);
  }

  /** All jobs that are not archived, in the order of their ids: so many, or so many bytes of them, are read at a time. */
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

  /** Every job that has not ended, with its journal, in the order of their ids; a portion is read at a time. */
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

  /** The reading thread may see a commit before the main thread has heard that it is done. */
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
    for (const [place, op] of job.ops.entries())
      whole.push({ ...op, ...(await parsedTexts(ops[place] as OpRow)) });
    return { ...job, ops: whole };
  }

  async #range(first: number, last: number): Promise<Job[]> {
    return jobsOf(...(await this.#read<[JobRow, OpRow, LogRow]>(...jobQueries(first, last))));
  }
}

/** How many numbers of archived jobs are read along at most, so that a run need not end before them. */
const GAP = 20;

/** Which jobs to read together: few bytes, no large one with others, and few archived ones in between. */
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
