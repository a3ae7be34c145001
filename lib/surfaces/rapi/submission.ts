// Methods that submit a job of one opcode. One description (Submission) of how the path, the URL's arguments and the body become
// the opcode's parameters serves the request itself, the documentation, the OpenAPI document and the routes of lib/client.
import * as z from 'zod';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { allParams } from '../../opcodes/define.ts';
import { type OpcodeId, opcodeOf } from '../../opcodes/registry.ts';
import { FixedMessageError } from './errors.ts';
import {
  type Arguments,
  bodyObject,
  type Call,
  type Example,
  item,
  type Method,
  type ParamArgument,
  type Submission,
} from './resource.ts';
import { submit } from './submit.ts';

/** Becomes the parameter `dry_run`. */
const dryRunArgument = {
  kind: 'flag',
  doc: 'Only check whether the job could be done.',
  param: 'dry_run',
} as const;
/** Becomes an entry of the reason trail (submit.ts), not a parameter. */
const reasonArgument = {
  kind: 'text',
  doc: 'The reason for the change; it is added to the reason trail.',
} as const;

/** The arguments that every method with an opcode accepts. */
export const commonArguments: Arguments = { 'dry-run': dryRunArgument, reason: reasonArgument };

/**
 * A method that submits a job of one opcode; see Submission for how the request becomes the opcode. Its body schema, its
 * documentation and its example request are derived from the opcode's definition.
 */
export function submits(opcode: OpcodeId, submission: Submission): Method & { body: z.ZodObject } {
  return {
    access: opcodeOf(opcode).access ?? 'write',
    opcode,
    args: { ...submission.args, ...commonArguments },
    body: bodySchema(opcode, submission),
    submission,
    example: exampleOf(opcode, submission),
    handle: (call) =>
      submit(call, opcode, urlParams(call, submission), bodyParams(call, submission), submission.body),
  };
}

/**
 * The parameters in the body, still under the names that they have there; the constants are checked and removed.
 * @throws MerapiError wrong_input, forbidden for a parameter that this API does not accept
 */
function bodyParams(call: Call, { constants = {}, forbidden = [] }: Submission): { [key: string]: Json } {
  const body = { ...bodyObject(call) };
  for (const [name, value] of Object.entries(constants)) {
    const problem = body[name] === undefined ? 'is missing' : 'has another value';
    if (body[name] !== value)
      throw new MerapiError('wrong_input', `'${name}' must be ${value} in the body; it ${problem}`);
    delete body[name];
  }
  const refused = forbidden.find((name) => Object.hasOwn(body, name));
  if (refused !== undefined)
    throw new FixedMessageError(
      'forbidden',
      `The parameter ${refused} cannot be set via RAPI`,
      `'${refused}' in the body cannot be set over this API; leave it out`,
    );
  return body;
}

/** The parameters that the path and the arguments of the URL set. @throws MerapiError wrong_input for a flag that is no integer */
function urlParams(call: Call, submission: Submission): Record<string, unknown> {
  const { fixed, items = [], args, optionalDryRun } = submission;
  const values: Record<string, unknown> = { ...fixed };
  for (const [index, param] of items.entries()) values[param] = item(call, index);
  const allArgs = { ...args, 'dry-run': dryRunArgument as ParamArgument };
  for (const [name, argument] of Object.entries(allArgs)) {
    if (name === 'dry-run' && optionalDryRun && call.query.text(name) === null) continue;
    const value = argumentValue(call, name, argument);
    if (value !== undefined) values[argument.param ?? name] = value;
  }
  return values;
}

/** The value of an argument in the type of its kind; undefined when a text is neither given nor has a fallback. */
function argumentValue(call: Call, name: string, { kind, fallback }: ParamArgument): unknown {
  switch (kind) {
    case 'flag':
      return call.query.flag(name);
    case 'text':
      return call.query.text(name) ?? fallback;
    case 'texts':
      return call.query.all(name);
  }
}

/** The opcode's example as a request: the inverse of what `handle` does with one. */
function exampleOf(opcode: OpcodeId, submission: Submission): Example {
  const values: Record<string, unknown> = { ...opcodeOf(opcode).example };
  const take = (param: string) => {
    const value = values[param];
    delete values[param];
    return value;
  };
  for (const param of Object.keys(submission.fixed ?? {})) take(param);
  const items = (submission.items ?? []).map((param) => String(take(param)));
  const args = Object.entries(submission.args ?? {}).flatMap(([name, { param }]) => {
    const value = take(param ?? name);
    if (value === undefined || value === null) return [];
    const values = Array.isArray(value) ? value : [value];
    return values.map((each) => [name, argumentText(each)] as const);
  });
  const bodyName = bodyNames(submission);
  const members = Object.entries(values).map(([name, value]) => [bodyName(name), value]);
  const body = { ...submission.constants, ...Object.fromEntries(members) };
  return { items, args, ...(Object.keys(body).length === 0 ? {} : { body }) };
}

/** A value as an argument in a query string; flags are 0 or 1. */
function argumentText(value: unknown): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}

/** Returns a function from the name of a parameter to its name in the body. */
function bodyNames({ body }: Submission): (param: string) => string {
  const names = new Map(Object.entries(body ?? {}).map(([alias, name]) => [name, alias]));
  return (param) => names.get(param) ?? param;
}

/** The schema of the body: every parameter of the opcode that neither the path nor an argument sets, by its name in the body. */
function bodySchema(opcode: OpcodeId, submission: Submission): z.ZodObject {
  const excluded = new Set([
    ...(submission.items ?? []),
    ...Object.keys(submission.fixed ?? {}),
    ...Object.entries(submission.args ?? {}).map(([name, { param }]) => param ?? name),
    ...(submission.forbidden ?? []),
    ...(submission.optionalDryRun ? [] : ['dry_run']),
    'reason',
  ]);
  const bodyName = bodyNames(submission);
  const members = Object.entries(allParams(opcodeOf(opcode)))
    .filter(([name]) => !excluded.has(name))
    .map(([name, { schema, required, doc }]) => {
      const member = schema.describe(doc);
      return [bodyName(name), required ? member : member.optional()] as const;
    });
  const constants = Object.entries(submission.constants ?? {}).map(
    ([name, value]) => [name, z.literal(value)] as const,
  );
  return z.strictObject(Object.fromEntries([...constants, ...members]));
}
