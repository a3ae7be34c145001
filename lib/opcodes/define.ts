// What an opcode is, as data: its parameters, its result, its lock plan, and who may submit it. Ganeti fixes the ids and the names of
// parameters. How it is executed is not here: that is its unit (lib/units).
import type * as z from 'zod';
import { MerapiError } from '../base/errors.ts';
import type { Action, NamedKind, NamedRef } from '../model/access.ts';
import type { OpInput } from '../model/job.ts';
import type { LockPlan } from '../model/locks.ts';
import { commonParams, type Param } from '../model/params.ts';
import type { ClusterView } from '../model/view.ts';
import { checkedValue, missing, unknown } from './problem.ts';

/** The parameters of an opcode, by name. */
export type Params = Readonly<Record<string, Param>>;

/** The validated parameters of an opcode, with all defaults. */
type Values<P extends Params> = { [K in keyof P]: z.infer<P[K]['schema']> };
export type CommonValues = Values<typeof commonParams>;

/** The definition of an opcode. */
export interface Opcode<
  Id extends string = string,
  P extends Params = Params,
  R extends z.ZodType = z.ZodType,
> {
  readonly id: Id;
  /** One sentence for the docs. */
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** The parameter whose value is shown in a job's summary; null for none. */
  readonly summaryField: (keyof P & string) | null;
  /** The permission that is needed to submit it; `look` is for everybody. By default `write`. */
  readonly access?: Action;
  /**
   * The locks that it needs: a pure function of the parameters and the cluster. It is called again after each wait, since the state of
   * the cluster may have changed. It must not throw: names that do not exist are refused later, by the unit's check.
   */
  locks(params: Values<P>, view: ClusterView): LockPlan;
  /** The kind of object that it creates: its parameter `KIND_name` is the name of a new object. */
  readonly makes?: NamedKind;
  /**
   * The objects that it is for, if they do not follow from the names of its parameters (lib/opcodes/objects.ts). `params` may come from
   * an older release, or may not be validated, so their types are not certain.
   */
  objects?(params: { readonly [K in keyof P]?: unknown }, view: ClusterView): readonly NamedRef[];
  /** Values that the opcode accepts; used in docs and contract tests. */
  readonly example: { readonly [K in keyof P]?: unknown };
}

/** Defines an opcode; `id` is Ganeti's OP_ID. */
export function defineOpcode<const Id extends string, P extends Params, R extends z.ZodType>(
  opcode: Opcode<Id, P, R>,
): Opcode<Id, P, R> {
  return opcode;
}

/** The validated parameters of an opcode's definition. */
export type ValuesOf<O> = O extends { readonly params: infer P extends Params } ? Values<P> : never;
/** The result of an opcode's definition. */
export type ResultOf<O> = O extends { readonly result: infer R extends z.ZodType } ? z.infer<R> : never;

/** Whether an opcode only reads. Jobs of such opcodes have their own limits and slots (lib/jobs/brief.ts). */
export function isReading({ access }: Opcode): boolean {
  return access === 'look' || access === 'read';
}

/** Every parameter of an opcode, the common ones first. */
export function allParams(opcode: Opcode): Params {
  return { ...commonParams, ...opcode.params };
}

/** The name of an opcode in job summaries and reason trails, e.g. INSTANCE_CREATE. */
export function shortName(id: string): string {
  return id.replace(/^OP_/, '');
}

/** An opcode as text in a job's summary, in Ganeti's form, e.g. `INSTANCE_CREATE(inst1.example.com)`. */
export function summaryOf(opcode: Opcode, input: OpInput): string {
  const value = opcode.summaryField === null ? undefined : input[opcode.summaryField];
  if (opcode.summaryField === null) return shortName(opcode.id);
  return `${shortName(opcode.id)}(${Array.isArray(value) ? value.join(',') : String(value ?? 'None')})`;
}

/**
 * Validates a submitted opcode and fills in the defaults.
 * @throws MerapiError wrong_input, naming every parameter that is unknown, missing or wrong, with its value unless it is secret, and
 * what is expected
 */
export function parseOp(opcode: Opcode, input: OpInput): OpInput {
  const params = allParams(opcode);
  const problems: string[] = [];
  const values: OpInput = { OP_ID: opcode.id };
  for (const name of Object.keys(input))
    if (name !== 'OP_ID' && !Object.hasOwn(params, name)) problems.push(unknown(name, params));
  for (const [name, param] of Object.entries(params)) {
    const given = Object.hasOwn(input, name) ? input[name] : undefined;
    if (given === undefined) {
      if (param.required) problems.push(missing(name, param, opcode.example[name]));
      else values[name] = param.default;
      continue;
    }
    const { value, problem } = checkedValue(name, param, given, opcode.example[name]);
    if (problem === undefined) values[name] = value;
    else problems.push(problem);
  }
  if (problems.length > 0) throw new MerapiError('wrong_input', `${opcode.id}: ${problems.join('; ')}`);
  return values;
}
