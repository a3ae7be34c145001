import { type SplitTime, splitTime } from '../base/clock.ts';
import { parseJson } from '../base/json.ts';
import type { Job, JobOp, JobStatus } from '../model/job.ts';
import { commonParams } from '../model/params.ts';
import { type Opcode, shortName, summaryOf } from '../opcodes/define.ts';
import { opcodeOf, opcodes } from '../opcodes/registry.ts';
import type { jobFields } from '../query/fields/job.ts';
import { maybe, normal, type Value, type Values } from './define.ts';
import { showFailure } from './failure.ts';

/** A line of a job's log: serial number, time, type, text. */
type ShownLogLine = [serial: number, time: SplitTime, type: string, text: unknown];

/** A job as GET /2/jobs?bulk=1 shows it. */
interface ListedJob {
  id: number;
  ops: Record<string, unknown>[];
  status: JobStatus;
  summary: string[];
  opstatus: JobStatus[];
  received_ts: SplitTime;
  start_ts: SplitTime | null;
  end_ts: SplitTime | null;
}

/** A job as GET /2/jobs/N shows it. */
interface ShownJob extends ListedJob {
  oplog: ShownLogLine[][];
  opresult: unknown[];
  /** Of a job whose steps tell it; Ganeti has no such key. */
  progress?: { step: string; text: string; done: number; total: number | null; time: SplitTime }[];
}

/** The parameters that are shown even when they are null. */
const shownNulls: readonly string[] = ['depends', 'comment'];

const shownTime = (time: number | null): SplitTime | null => (time === null ? null : splitTime(time));

/** The opcode's definition; null for one that an older or newer release of Merapi knew. */
function definitionOf(op: JobOp): Opcode | null {
  return Object.hasOwn(opcodes, op.input.OP_ID) ? opcodeOf(op.input.OP_ID) : null;
}

/** An opcode as jobs show it: what was submitted and what checking filled in, in the order of its definition. */
function showOp(op: JobOp): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...op.input, ...op.resolved };
  const own = Object.keys(definitionOf(op)?.params ?? {});
  const shown: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(commonParams), 'OP_ID', ...own, ...Object.keys(merged)])) {
    const value = merged[name];
    if (value === undefined || (value === null && !shownNulls.includes(name))) continue;
    shown[name] = value;
  }
  return shown;
}

function showSummary(op: JobOp): string {
  const opcode = definitionOf(op);
  return opcode ? summaryOf(opcode, { ...op.input, ...op.resolved }) : shortName(op.input.OP_ID);
}

function showResult(op: JobOp): unknown {
  return op.failure && op.status === 'error' ? showFailure(op.failure) : op.result;
}

/** The log of an opcode in the form that the RAPI shows. */
export function showLog(op: JobOp): ShownLogLine[] {
  return op.log.map(({ serial, time, type, text }) => [
    serial,
    splitTime(time),
    type,
    type === 'message' ? text : parseJson(text),
  ]);
}

/** A job in the form of GET /2/jobs?bulk=1: with neither its results nor its log, as in Ganeti. */
export function listJob(job: Job): ListedJob {
  return {
    id: job.id,
    ops: job.ops.map(showOp),
    status: job.status,
    summary: job.ops.map(showSummary),
    opstatus: job.ops.map((op) => op.status),
    received_ts: splitTime(job.received),
    start_ts: shownTime(job.start),
    end_ts: shownTime(job.end),
  };
}

/** A job in the form of GET /2/jobs/N. */
export function showJob(job: Job): ShownJob {
  return {
    ...listJob(job),
    ...{ oplog: job.ops.map(showLog), opresult: job.ops.map(showResult) },
    ...(job.progress && {
      progress: job.progress.map((each) => ({ ...each, time: splitTime(each.time) })),
    }),
  };
}

const ofEach =
  (pick: (op: JobOp) => unknown): Value<Job> =>
  (job) =>
    normal(job.ops.map(pick));

const values: Record<keyof typeof jobFields, Value<Job>> = {
  archived: (job) => normal(job.archived),
  end_ts: (job) => maybe(shownTime(job.end)),
  id: (job) => normal(job.id),
  opend: ofEach((op) => shownTime(op.end)),
  opexec: ofEach((op) => shownTime(op.exec)),
  oplog: ofEach(showLog),
  oppriority: (job) => normal(job.ops.map(() => job.priority)),
  opresult: ofEach(showResult),
  ops: ofEach(showOp),
  opstart: ofEach((op) => shownTime(op.start)),
  opstatus: ofEach((op) => op.status),
  priority: (job) => normal(job.priority),
  received_ts: (job) => normal(splitTime(job.received)),
  start_ts: (job) => maybe(shownTime(job.start)),
  status: (job) => normal(job.status),
  summary: ofEach(showSummary),
};

/** The value of every field of a job. */
export const jobValues: Values<Job> = new Map(Object.entries(values));
