// Jobs in Ganeti's form: times as pairs of seconds and microseconds, log lines as lists of four, failures as class and text. The
// views (lib/views/job.ts) have times as numbers and failures as Merapi's error codes.
import { type SplitTime, splitTime } from '../../base/clock.ts';
import { parseJson } from '../../base/json.ts';
import type { Job, JobStatus, LogEntry } from '../../model/job.ts';
import { jobValues, type Outcome, opSummary, outcomeOf, shownOp } from '../../views/job.ts';
import { showFailure } from './failure.ts';

/** A line of a job's log. The text of a line whose type is not `message` is stored as JSON and shown as the JSON value. */
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
  /** Present only while steps of the job report their progress; Ganeti has no such key. */
  progress?: { step: string; text: string; done: number; total: number | null; time: SplitTime }[];
}

/** Seconds since 1970 as a pair; null for what has not happened yet. */
const showTime = (seconds: number | null): SplitTime | null => (seconds === null ? null : splitTime(seconds));

/** The lines of one opcode's log. */
export function showLog(log: readonly LogEntry[]): ShownLogLine[] {
  return log.map(({ serial, time, type, text }) => [
    serial,
    splitTime(time),
    type,
    type === 'message' ? text : parseJson(text),
  ]);
}

/** The result of an opcode, or its failure as Ganeti's class with the text. */
const showOutcome = (outcome: Outcome): unknown =>
  'failure' in outcome ? showFailure(outcome.failure) : outcome.result;

/** A job in the form of GET /2/jobs?bulk=1: without its results and its log, as in Ganeti. */
export function listJob(job: Job): ListedJob {
  return {
    id: job.id,
    ops: job.ops.map(shownOp),
    status: job.status,
    summary: job.ops.map(opSummary),
    opstatus: job.ops.map((op) => op.status),
    received_ts: splitTime(job.received),
    start_ts: showTime(job.start),
    end_ts: showTime(job.end),
  };
}

/** A job in the form of GET /2/jobs/N. */
export function showJob(job: Job): ShownJob {
  const { progress } = job;
  return {
    ...listJob(job),
    oplog: job.ops.map((op) => showLog(op.log)),
    opresult: job.ops.map((op) => showOutcome(outcomeOf(op))),
    ...(progress && { progress: progress.map((each) => ({ ...each, time: splitTime(each.time) })) }),
  };
}

/** Applies a conversion to each element of a list. */
const showEach =
  <T>(show: (value: T) => unknown) =>
  (values: unknown) =>
    (values as T[]).map(show);

/** How queries show the values of these fields; the values of all other fields are shown unchanged. */
const shownFields: ReadonlyMap<string, (value: unknown) => unknown> = new Map([
  ...['end_ts', 'received_ts', 'start_ts'].map((field) => [field, splitTime] as const),
  ...['opend', 'opexec', 'opstart'].map((field) => [field, showEach(showTime)] as const),
  ['oplog', showEach(showLog)],
  ['opresult', showEach(showOutcome)],
] as [string, (value: unknown) => unknown][]);

/** A value of a field of a job in Ganeti's form; null stays null. */
export function showJobField(field: string, value: unknown): unknown {
  return value === null ? null : (shownFields.get(field)?.(value) ?? value);
}

/** A field of a job by its name, in Ganeti's form; null when there is no such field or it has no value yet. */
export function jobFieldOf(job: Job, field: string): unknown {
  return showJobField(field, jobValues.get(field)?.(job)[1] ?? null);
}
