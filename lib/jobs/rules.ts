// Job filters as functions. The language of the conditions and the kinds of predicates are Ganeti's, see its
// gnt-filter(8); they are compiled with the parser of query filters (lib/query).
import { MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { FilterPredicate, JobFilter, PredicateKind } from '../model/filter.ts';
import type { OpInput } from '../model/job.ts';
import { allParams } from '../opcodes/define.ts';
import { opcodeOf, opcodes } from '../opcodes/registry.ts';
import { type Cell, type Field, type FieldTable, ResultStatus } from '../query/define.ts';
import { compileFilter } from '../query/evaluate.ts';
import { parseFilter } from '../query/language.ts';

/** The parts of a job that filters look at. */
export interface Filtered {
  readonly id: number;
  readonly inputs: readonly OpInput[];
}

/** A compiled filter. */
export interface Rule {
  readonly filter: JobFilter;
  applies(job: Filtered): boolean;
}

/** The word that a condition may use instead of a number: it stands for the filter's watermark. */
const WATERMARK = 'watermark';

const field = (kind: Field['kind']): Field => ({ title: '', kind, doc: '' });

/** The fields that each kind of predicate has. The parameters of opcodes may have values of any kind. */
const tables: Readonly<Record<PredicateKind, FieldTable>> = {
  jobid: new Map([['id', field('number')]]),
  opcode: new Map(
    ['OP_ID', ...Object.keys(opcodes).flatMap((id) => Object.keys(allParams(opcodeOf(id))))].map((name) => [
      name,
      field('other'),
    ]),
  ),
  reason: new Map([
    ['source', field('text')],
    ['reason', field('text')],
    ['timestamp', field('number')],
  ]),
};

type Row = Readonly<Record<string, unknown>>;

/** The rows of a job that each kind of predicate tests: it is met when one row meets its condition. */
const rowsOf: Readonly<Record<PredicateKind, (job: Filtered) => readonly Row[]>> = {
  jobid: ({ id }) => [{ id }],
  opcode: ({ inputs }) => inputs,
  reason: ({ inputs }) =>
    inputs
      .flatMap((op) => (op.reason ?? []) as [string, string, number | bigint][])
      .map(([source, reason, timestamp]) => ({ source, reason, timestamp: Number(timestamp) })),
};

function cell(row: Row, name: string): Cell {
  const value = row[name];
  if (value === undefined || value === null) return [ResultStatus.UNAVAIL, null];
  return [ResultStatus.NORMAL, typeof value === 'bigint' ? Number(value) : value];
}

/** The message for a job that a filter rejects: the filter, and the reasons that its reason trail gives. */
export function rejectionBy({ uuid, reason_trail }: JobFilter): string {
  const entries = reason_trail.filter((entry) => Array.isArray(entry));
  const reasons = entries
    .map((entry) => entry[1])
    .filter((reason) => typeof reason === 'string' && reason !== '');
  return `Job filter ${uuid} rejects the job${reasons.length > 0 ? `: ${reasons.join(', ')}` : ''}`;
}

/**
 * Compiles a filter; it applies to a job that meets all its predicates.
 * @throws MerapiError wrong_input when a predicate cannot be parsed
 */
export function ruleOf(filter: JobFilter): Rule {
  const tests = filter.predicates.map((predicate) => testOf(predicate, filter.watermark));
  return { filter, applies: (job) => tests.every((test) => test(job)) };
}

/**
 * Compiles a stored filter. One that this release cannot parse, although an earlier release could, pauses every job until it is
 * changed or removed: which jobs it was meant for is not known any more, and to let them run could do harm.
 */
export function storedRule(filter: JobFilter): Rule {
  try {
    return ruleOf(filter);
  } catch (error) {
    if (!(error instanceof MerapiError)) throw error;
    return { filter: { ...filter, action: 'PAUSE' }, applies: () => true };
  }
}

function testOf([kind, condition]: FilterPredicate, watermark: number): (job: Filtered) => boolean {
  const table = tables[kind];
  const parsed = parseFilter(kind === 'jobid' ? withWatermark(condition, watermark) : condition, table);
  if (!parsed) throw new MerapiError('wrong_input', `The predicate '${kind}' has no condition`);
  const passes = compileFilter<Row>(parsed, table, (name) => (row) => cell(row, name));
  return (job) => rowsOf[kind](job).some(passes);
}

function withWatermark(condition: Json, watermark: number): Json {
  if (!Array.isArray(condition)) return condition;
  const [op, name, value] = condition;
  if (name === 'id' && value === WATERMARK) return [op ?? null, name, watermark];
  return condition.map((part) => withWatermark(part, watermark));
}

/** The predicates in Ganeti's normal form, as they are stored and shown: `=` becomes `==`, and `!=` a negated `==`. */
export function shownPredicates(predicates: readonly FilterPredicate[]): FilterPredicate[] {
  return predicates.map(([kind, condition]) => [kind, shown(condition)]);
}

function shown(condition: Json): Json {
  if (!Array.isArray(condition)) return condition;
  const [op, ...rest] = condition;
  switch (op) {
    case '|':
    case '&':
    case '!':
      return [op, ...rest.map(shown)];
    case '=':
      return ['==', ...rest];
    case '!=':
      return ['!', ['==', ...rest]];
    default:
      return condition;
  }
}

/** The first filter that decides about a job; null when none applies. CONTINUE decides nothing. */
export function decisive(rules: readonly Rule[], job: Filtered): JobFilter | null {
  return rules.find(({ filter, applies }) => filter.action !== 'CONTINUE' && applies(job))?.filter ?? null;
}
