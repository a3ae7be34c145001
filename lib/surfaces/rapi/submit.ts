import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { OpInput } from '../../model/job.ts';
import type { OpcodeId } from '../../opcodes/registry.ts';
import type { Call, Renames } from './resource.ts';

/** The parameter `dry_run` of an opcode, from the argument `dry-run`. @throws MerapiError wrong_input */
export function dryRun(call: Call): { dry_run: boolean } {
  return { dry_run: call.query.flag('dry-run') };
}

/** The same where dry_run stands in the opcode only if the request has it. @throws MerapiError wrong_input */
export function quietDryRun(call: Call): { dry_run?: boolean } {
  return call.query.text('dry-run') === null ? {} : dryRun(call);
}

/**
 * Submits a job of one opcode and gives its id. `fixed` are the parameters that the path and the query decide; those of
 * the body may not touch them. Everything else about the parameters is checked by the manager.
 * @throws MerapiError wrong_input, forbidden, unavailable
 */
export function submit(
  call: Call,
  opcode: OpcodeId,
  fixed: Readonly<Record<string, unknown>>,
  body: { readonly [key: string]: Json } = {},
  renames: Renames = {},
): Promise<number> {
  const given = renamed(body, renames);
  const decided = { ...fixed, reason: reasonTrail(call), OP_ID: opcode };
  const clash = Object.keys(decided).find((name) => Object.hasOwn(given, name));
  if (clash !== undefined)
    throw new MerapiError('wrong_input', `'${clash}' may not stand in the body; the URL decides it`);
  return call.manager.submit(call.principal, [{ ...given, ...decided }], keyOf(call));
}

/** Submits a job of several opcodes with all their parameters, and gives its id. @throws MerapiError as submit() */
export function submitAll(call: Call, ops: readonly OpInput[]): Promise<number> {
  const said = call.query.text('reason');
  const reason = said === null ? [] : [['gnt:user', said, call.clock.nanoseconds()]];
  return call.manager.submit(
    call.principal,
    ops.map((op) => ({ ...op, reason })),
    keyOf(call),
  );
}

/** The key of a request that may be repeated. @throws MerapiError wrong_input */
function keyOf({ fingerprint, header }: Call): { key: string; fingerprint: string } | null {
  const key = header('idempotency-key');
  if (key === null) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new MerapiError(
      'wrong_input',
      'An Idempotency-Key has 1 to 255 printable ASCII characters, no blanks',
    );
  return { key, fingerprint: fingerprint() };
}

function renamed(body: { readonly [key: string]: Json }, renames: Renames): { [key: string]: Json } {
  for (const [alias, name] of Object.entries(renames))
    if (Object.hasOwn(body, alias) && Object.hasOwn(body, name))
      throw new MerapiError('wrong_input', `'${alias}' and '${name}' are the same; give only one of them`);
  const known = new Map(Object.entries(renames));
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [known.get(name) ?? name, value]));
}

/** Why it is done: what the user said, then the resource that was used. */
function reasonTrail(call: Call): unknown[] {
  const said = call.query.text('reason');
  const resource = [`gnt:library:rlib2:${call.resource}`, '', call.clock.nanoseconds()];
  return said === null ? [resource] : [['gnt:user', said, call.clock.nanoseconds()], resource];
}
