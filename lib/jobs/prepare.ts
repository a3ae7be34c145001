// Makes a job from submitted opcodes. Secret parameters never get into the job that is stored and shown: they are sealed (encrypted) and
// stored apart, and are deleted at the end of the job.
import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';
import type { Seal } from '../base/seal.ts';
import type { Job, JobOp, JobStatus, OpInput } from '../model/job.ts';
import { allParams, isReading, parseOp, shortName } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';

/** Replaces each secret value in a job. */
const REDACTED = '<redacted>';

/** A job that is not stored yet. */
export interface NewJob {
  job: Job;
  /** The sealed secrets, by the index of their opcode. */
  secrets: ReadonlyMap<number, string>;
}

/**
 * Makes a job of opcodes: validates their parameters, fills in defaults, separates their secrets, and adds Ganeti's entry to their
 * reason trails.
 * @throws MerapiError wrong_input when a parameter is not valid
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

/** The secret parameters of an opcode that are set; null when there are none. */
function secretsOf(input: OpInput): Record<string, unknown> | null {
  const secrets = Object.entries(allParams(opcodeOf(input.OP_ID))).filter(
    ([name, param]) => param.secret && input[name],
  );
  return secrets.length === 0 ? null : Object.fromEntries(secrets.map(([name]) => [name, input[name]]));
}

/** The parameters as they may be stored and shown: of secret dictionaries only the keys. */
function redacted(input: OpInput, secrets: Record<string, unknown> | null): OpInput {
  if (!secrets) return input;
  const shown = Object.entries(secrets).map(([name, values]) => [
    name,
    Object.fromEntries(Object.keys(values as object).map((key) => [key, REDACTED])),
  ]);
  return { ...input, ...Object.fromEntries(shown) };
}

/** Dependencies with absolute job ids; a negative id is relative to the new job, -1 is the one before. @throws MerapiError wrong_input */
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
