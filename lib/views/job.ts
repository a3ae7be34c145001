// The fields of jobs. Times are seconds since 1970, and a failure is Merapi's error code with its text. The form that a protocol gives
// them, such as Ganeti's pairs of seconds and microseconds and its error classes, is defined in the folder of that protocol.
import type { Failure } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Job, JobOp } from '../model/job.ts';
import { commonParams } from '../model/params.ts';
import { type Opcode, shortName, summaryOf } from '../opcodes/define.ts';
import { opcodeOf, opcodes } from '../opcodes/registry.ts';
import type { jobFields } from '../query/fields/job.ts';
import { type FieldReader, type FieldReaders, maybe, normal } from './define.ts';

/** How an opcode ended: with a result (null until it has one), or with a failure. */
export type Outcome = { readonly result: Json } | { readonly failure: Failure };

/** The parameters that are shown even when they are null. */
const shownNulls: readonly string[] = ['depends', 'comment'];

/** The opcode's definition; null for an opcode that only another release of Merapi knows. */
function definitionOf(op: JobOp): Opcode | null {
  return Object.hasOwn(opcodes, op.input.OP_ID) ? opcodeOf(op.input.OP_ID) : null;
}

/**
 * The parameters of an opcode as they are shown: as submitted, merged with the values that checking resolved. Common parameters and
 * OP_ID come first, then the opcode's own in the order of its definition. Nulls are omitted, except those in `shownNulls`.
 */
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

/** A one-line summary of an opcode: its short name with its object. */
export function opSummary(op: JobOp): string {
  const opcode = definitionOf(op);
  return opcode ? summaryOf(opcode, { ...op.input, ...op.resolved }) : shortName(op.input.OP_ID);
}

/** The failure of an opcode with status `error`, the result of any other. */
export function outcomeOf({ failure, status, result }: JobOp): Outcome {
  return failure && status === 'error' ? { failure } : { result };
}

/** A reader of the list of a value for each opcode of a job. */
const ofEach =
  (pick: (op: JobOp) => unknown): FieldReader<Job> =>
  (job) =>
    normal(job.ops.map(pick));

const values: Record<keyof typeof jobFields, FieldReader<Job>> = {
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

/** The readers of all fields of a job. */
export const jobValues: FieldReaders<Job> = new Map(Object.entries(values));
