import type { Failure } from '../../base/errors.ts';
import { type Json, parseJson } from '../../base/json.ts';
import { parseJsonInSlices } from '../../base/json-slices.ts';
import type { Job, JobOp, JobStatus, LogEntry, OpInput } from '../../model/job.ts';

/** A row of the table jobs. */
export interface JobRow {
  id: number;
  status: JobStatus;
  priority: number;
  received: number;
  start: number | null;
  end: number | null;
  archived: number;
  format: number | null;
  brief: number;
}

/** A row of the table job_ops; the texts are JSON. */
export interface OpRow {
  job: number;
  op: number;
  input: string;
  resolved: string;
  status: JobStatus;
  result: string;
  failure: string | null;
  start: number | null;
  exec: number | null;
  end: number | null;
  locks: string | null;
  undo: string | null;
  unit: number | null;
  journal: number | null;
}

/** A row of the table job_log. */
export interface LogRow extends LogEntry {
  job: number;
  op: number;
}

/** Parses the JSON text of a row. */
export const read = <T>(text: string): T => parseJson(text) as T;

/** Makes jobs of rows. The texts of a job are parsed only when the iterator reaches it, so that the caller can yield in between. */
export function* jobsOf(
  jobs: readonly JobRow[],
  ops: readonly OpRow[],
  logs: readonly LogRow[],
): Generator<Job, void> {
  const logOf = groupBy(logs, (row) => `${row.job}/${row.op}`);
  const opsOf = groupBy(ops, (row) => row.job);
  for (const { format: _format, brief, ...row } of jobs)
    yield {
      ...row,
      archived: row.archived !== 0,
      ...(brief !== 0 && { brief: true }),
      ops: (opsOf.get(row.id) ?? []).map((op) => jobOp(op, logOf.get(`${op.job}/${op.op}`) ?? [])),
    };
}

/** The items by a key, each group in the order of the items. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function jobOp(row: OpRow, log: readonly LogRow[]): JobOp {
  return {
    input: read<OpInput>(row.input),
    resolved: read<Record<string, Json>>(row.resolved),
    status: row.status,
    result: parseJson(row.result),
    failure: row.failure === null ? null : read<Failure>(row.failure),
    log: log.map(({ serial, time, type, text }) => ({ serial, time, type, text })),
    start: row.start,
    exec: row.exec,
    end: row.end,
  };
}

/** Parses the texts of a large opcode in slices, so that the event loop is not blocked. */
export async function parsedTexts({
  input,
  resolved,
  result,
}: OpRow): Promise<Pick<JobOp, 'input' | 'resolved' | 'result'>> {
  return {
    input: (await parseJsonInSlices(input)) as OpInput,
    resolved: (await parseJsonInSlices(resolved)) as Record<string, Json>,
    result: await parseJsonInSlices(result),
  };
}
