// What queries read of jobs. Times are seconds since 1970, and a failure is Merapi's code with its text: how a protocol writes them
// (Ganeti's pairs of seconds and microseconds, its classes of errors) is decided in that protocol's folder.
import type { Failure } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Job, JobOp } from '../model/job.ts';
import { commonParams } from '../model/params.ts';
import { type Opcode, shortName, summaryOf } from '../opcodes/define.ts';
import { opcodeOf, opcodes } from '../opcodes/registry.ts';
import type { jobFields } from '../query/fields/job.ts';
import { maybe, normal, type Value, type Values } from './define.ts';

/** How an opcode ended: with a result (null until it has one), or with a failure. */
export type Outcome = { readonly result: Json } | { readonly failure: Failure };

/** The parameters that are shown even when they are null. */
const shownNulls: readonly string[] = ['depends', 'comment'];

/** The opcode's definition; null for one that an older or newer release of Merapi knew. */
function definitionOf(op: JobOp): Opcode | null {
  return Object.hasOwn(opcodes, op.input.OP_ID) ? opcodeOf(op.input.OP_ID) : null;
}

/** What was submitted merged with what checking filled in, in the order of the opcode's definition. */
export function shownOp(op: JobOp): Record<string, unknown> {
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

/** One line for people: the opcode's short name with its object. */
export function opSummary(op: JobOp): string {
  const opcode = definitionOf(op);
  return opcode ? summaryOf(opcode, { ...op.input, ...op.resolved }) : shortName(op.input.OP_ID);
}

/** The failure of an opcode with status `error`, the result of any other. */
export function outcomeOf({ failure, status, result }: JobOp): Outcome {
  return failure && status === 'error' ? { failure } : { result };
}

const ofEach =
  (pick: (op: JobOp) => unknown): Value<Job> =>
  (job) =>
    normal(job.ops.map(pick));

const values: Record<keyof typeof jobFields, Value<Job>> = {
  archived: (job) => normal(job.archived),
  end_ts: (job) => maybe(job.end),
  id: (job) => normal(job.id),
  opend: ofEach((op) => op.end),
  opexec: ofEach((op) => op.exec),
  oplog: ofEach((op) => op.log),
  oppriority: (job) => normal(job.ops.map(() => job.priority)),
  opresult: ofEach(outcomeOf),
  ops: ofEach(shownOp),
  opstart: ofEach((op) => op.start),
  opstatus: ofEach((op) => op.status),
  priority: (job) => normal(job.priority),
  received_ts: (job) => normal(job.received),
  start_ts: (job) => maybe(job.start),
  status: (job) => normal(job.status),
  summary: ofEach(opSummary),
};

/** The value of every field of a job. */
export const jobValues: Values<Job> = new Map(Object.entries(values));
