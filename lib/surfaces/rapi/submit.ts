// From a request to a submitted job: merges the parameters of URL and body, and adds the reason trail and the Idempotency-Key.
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { OpInput } from '../../model/job.ts';
import type { OpcodeId } from '../../opcodes/registry.ts';
import type { Call, Renames } from './resource.ts';

/** The parameter `dry_run` of an opcode, from the argument `dry-run`. @throws MerapiError wrong_input */
export function dryRun(call: Call): { dry_run: boolean } {
  return { dry_run: call.query.flag('dry-run') };
}

/** As dryRun(), but empty when the request does not have the argument. @throws MerapiError wrong_input */
export function optionalDryRun(call: Call): { dry_run?: boolean } {
  return call.query.text('dry-run') === null ? {} : dryRun(call);
}

/**
 * Submits a job of one opcode and returns its id. The manager checks the values of the parameters.
 * @param fixed the parameters that the path and the query string set; the body must not contain them
 * @param body the other parameters, with names that `renames` maps to those of the opcode
 * @throws MerapiError wrong_input, and as Manager.submit()
 */
export function submit(
  call: Call,
  opcode: OpcodeId,
  fixed: Readonly<Record<string, unknown>>,
  body: { readonly [key: string]: Json } = {},
  renames: Renames = {},
): Promise<number> {
  const bodyParams = renamed(body, renames);
  const urlParams = { ...fixed, reason: reasonTrail(call), OP_ID: opcode };
  const clash = Object.keys(urlParams).find((name) => Object.hasOwn(bodyParams, name));
  if (clash !== undefined)
    throw new MerapiError('wrong_input', `'${clash}' must not be in the body; the URL sets it`);
  return call.manager.submit(call.principal, [{ ...bodyParams, ...urlParams }], keyOf(call));
}

/** Submits a job of several opcodes with all their parameters, and returns its id. @throws MerapiError as submit() */
export function submitAll(call: Call, ops: readonly OpInput[]): Promise<number> {
  const userReason = call.query.text('reason');
  const reason = userReason === null ? [] : [['gnt:user', userReason, call.clock.nanoseconds()]];
  return call.manager.submit(
    call.principal,
    ops.map((op) => ({ ...op, reason })),
    keyOf(call),
  );
}

/** The Idempotency-Key of a request with its fingerprint; null when it has none. @throws MerapiError wrong_input */
function keyOf({ fingerprint, header }: Call): { key: string; fingerprint: string } | null {
  const key = header('idempotency-key');
  if (key === null) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new MerapiError(
      'wrong_input',
      'An Idempotency-Key must have 1 to 255 printable ASCII characters and no spaces',
    );
  return { key, fingerprint: fingerprint() };
}

/** The parameters of a body under the opcode's names. @throws MerapiError wrong_input when both names of one are given */
function renamed(body: { readonly [key: string]: Json }, renames: Renames): { [key: string]: Json } {
  for (const [alias, name] of Object.entries(renames))
    if (Object.hasOwn(body, alias) && Object.hasOwn(body, name))
      throw new MerapiError('wrong_input', `'${alias}' and '${name}' are the same; give only one of them`);
  const opcodeNames = new Map(Object.entries(renames));
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [opcodeNames.get(name) ?? name, value]),
  );
}

/** The first entries of the opcode's reason trail: the user's reason, then the resource, in the form that Ganeti gives it. */
function reasonTrail(call: Call): unknown[] {
  const userReason = call.query.text('reason');
  const resource = [`gnt:library:rlib2:${call.resource}`, '', call.clock.nanoseconds()];
  return userReason === null ? [resource] : [['gnt:user', userReason, call.clock.nanoseconds()], resource];
}
