import * as z from 'zod';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { allParams } from '../../opcodes/define.ts';
import { type OpcodeId, opcodeOf } from '../../opcodes/registry.ts';
import { WordedError } from './errors.ts';
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

const dryRunArgument = {
  kind: 'flag',
  doc: 'Only check whether it could be done.',
  param: 'dry_run',
} as const;
const reasonArgument = { kind: 'text', doc: 'Why it is done; stands in the reason trail.' } as const;

/** The arguments that every method with an opcode takes. */
export const commonArguments: Arguments = { 'dry-run': dryRunArgument, reason: reasonArgument };

/** A method that submits a job of one opcode. */
export function submits(opcode: OpcodeId, how: Submission): Method & { body: z.ZodObject } {
  return {
    access: 'write',
    opcode,
    args: { ...how.args, ...commonArguments },
    body: bodySchema(opcode, how),
    submission: how,
    example: exampleOf(opcode, how),
    handle: (call) => submit(call, opcode, decided(call, how), bodyOf(call, how), how.body),
  };
}

/** The parameters of the body. @throws MerapiError wrong_input */
function bodyOf(call: Call, { constants = {}, forbidden = [] }: Submission): { [key: string]: Json } {
  const body = { ...bodyObject(call) };
  for (const [name, value] of Object.entries(constants)) {
    const given = body[name] === undefined ? 'is missing' : 'has another value';
    if (body[name] !== value)
      throw new MerapiError('wrong_input', `'${name}' must be ${value} in the body; it ${given}`);
    delete body[name];
  }
  const refused = forbidden.find((name) => Object.hasOwn(body, name));
  if (refused !== undefined)
    throw new WordedError(
      'forbidden',
      `The parameter ${refused} cannot be set via RAPI`,
      `'${refused}' in the body cannot be set over this API; leave it out`,
    );
  return body;
}

/** The parameters that path and arguments decide. */
function decided(call: Call, how: Submission): Record<string, unknown> {
  const values: Record<string, unknown> = { ...how.fixed };
  for (const [place, param] of (how.items ?? []).entries()) values[param] = item(call, place);
  for (const [name, argument] of Object.entries({
    ...how.args,
    'dry-run': dryRunArgument as ParamArgument,
  })) {
    if (name === 'dry-run' && how.quietDryRun && call.query.text(name) === null) continue;
    const value = given(call, name, argument);
    if (value !== undefined) values[argument.param ?? name] = value;
  }
  return values;
}

function given(call: Call, name: string, { kind, fallback }: ParamArgument): unknown {
  switch (kind) {
    case 'flag':
      return call.query.flag(name);
    case 'text':
      return call.query.text(name) ?? fallback;
    case 'texts':
      return call.query.all(name);
  }
}

/** The opcode's example as a request. */
function exampleOf(opcode: OpcodeId, how: Submission): Example {
  const values: Record<string, unknown> = { ...opcodeOf(opcode).example };
  const take = (param: string) => {
    const value = values[param];
    delete values[param];
    return value;
  };
  for (const param of Object.keys(how.fixed ?? {})) take(param);
  const items = (how.items ?? []).map((param) => String(take(param)));
  const args = Object.entries(how.args ?? {}).flatMap(([name, { param }]) => {
    const value = take(param ?? name);
    const texts = Array.isArray(value) ? value : [value ?? []].flat();
    return texts.map(
      (text) => [name, typeof text === 'boolean' ? String(Number(text)) : String(text)] as const,
    );
  });
  const alias = aliases(how);
  const named = Object.entries(values).map(([name, value]) => [alias(name), value]);
  const body = { ...how.constants, ...Object.fromEntries(named) };
  return { items, args, ...(Object.keys(body).length === 0 ? {} : { body }) };
}

/** Gives the name that a parameter has in the body. */
function aliases({ body }: Submission): (param: string) => string {
  const names = new Map(Object.entries(body ?? {}).map(([alias, name]) => [name, alias]));
  return (param) => names.get(param) ?? param;
}

/** The parameters of the opcode that come in the body, by their names there. */
function bodySchema(opcode: OpcodeId, how: Submission): z.ZodObject {
  const taken = new Set([
    ...(how.items ?? []),
    ...Object.keys(how.fixed ?? {}),
    ...Object.entries(how.args ?? {}).map(([name, { param }]) => param ?? name),
    ...(how.forbidden ?? []),
    ...(how.quietDryRun ? [] : ['dry_run']),
    'reason',
  ]);
  const alias = aliases(how);
  const members = Object.entries(allParams(opcodeOf(opcode)))
    .filter(([name]) => !taken.has(name))
    .map(([name, { schema, required, doc }]) => {
      const member = schema.describe(doc);
      return [alias(name), required ? member : member.optional()] as const;
    });
  const constants = Object.entries(how.constants ?? {}).map(
    ([name, value]) => [name, z.literal(value)] as const,
  );
  return z.strictObject(Object.fromEntries([...constants, ...members]));
}
