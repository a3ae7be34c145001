import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';
import type { Seal } from '../base/seal.ts';
import type { Job, JobOp, JobStatus, OpInput } from '../model/job.ts';
import { allParams, isReading, parseOp, shortName } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';

/** What stands in a job in the place of a secret value. */
const REDACTED = '<redacted>';

/** A job that nobody has stored yet; the secrets of its opcodes, sealed, by index. */
export interface NewJob {
  job: Job;
  secrets: ReadonlyMap<number, string>;
}

/**
 * Makes a job of opcodes: checks their values, fills in defaults, and puts their secrets aside.
 * @throws MerapiError wrong_input when something is not right
 */
export function newJob(id: number, inputs: readonly OpInput[], parts: { clock: Clock; seal: Seal }): NewJob {
  const { clock, seal } = parts;
  if (inputs.length === 0) throw new MerapiError('wrong_input', 'A job needs at least one opcode');
  const checked = inputs.map((input) => parseOp(opcodeOf(input.OP_ID), input));
  const secrets = new Map<number, string>();
  const ops = checked.map((input, index): JobOp => {
    const secret = secretsOf(input);
    if (secret) secrets.set(index, seal.close(stringifyJson(secret)));
    const source = `gnt:opcode:${shortName(input.OP_ID).toLowerCase()}`;
    const trail = [source, `job=${id};index=${index}`, clock.nanoseconds()];
    return {
      input: {
        ...redacted(input, secret),
        depends: absoluteDepends(input.depends as [number, JobStatus[]][] | null, id),
        reason: [...((input.reason as unknown[] | null) ?? []), trail],
      },
      resolved: {},
      status: 'queued',
      result: null,
      failure: null,
      log: [],
      start: null,
      exec: null,
      end: null,
    };
  });
  const priority = Math.min(...checked.map((input) => (input.priority as number | null) ?? 0));
  const times = { received: clock.seconds(), start: null, end: null };
  const brief = inputs.every((input) => isReading(opcodeOf(input.OP_ID)));
  return {
    job: { id, status: 'queued', priority, ops, ...times, archived: false, ...(brief && { brief }) },
    secrets,
  };
}

/** The secret values of an opcode that are not empty. */
function secretsOf(input: OpInput): Record<string, unknown> | null {
  const secrets = Object.entries(allParams(opcodeOf(input.OP_ID))).filter(
    ([name, param]) => param.secret && input[name],
  );
  return secrets.length === 0 ? null : Object.fromEntries(secrets.map(([name]) => [name, input[name]]));
}

/** The values as they may be stored and shown: of secret dictionaries only the keys. */
function redacted(input: OpInput, secrets: Record<string, unknown> | null): OpInput {
  if (!secrets) return input;
  const shown = Object.entries(secrets).map(([name, values]) => [
    name,
    Object.fromEntries(Object.keys(values as object).map((key) => [key, REDACTED])),
  ]);
  return { ...input, ...Object.fromEntries(shown) };
}

/** Dependencies by job id: -1 is the job before this one. */
function absoluteDepends(
  depends: [number, JobStatus[]][] | null,
  id: number,
): [number, JobStatus[]][] | null {
  return (
    depends?.map(([job, statuses]) => {
      const absolute = job < 0 ? id + job : job;
      if (absolute < 1 || absolute >= id)
        throw new MerapiError('wrong_input', `A job cannot depend on job ${job}: only on an earlier one`);
      return [absolute, statuses];
    }) ?? null
  );
}
