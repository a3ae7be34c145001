import * as z from 'zod';
import type { Json } from '../base/json.ts';
import { lockLevels } from './locks.ts';

const json: z.ZodType<Json> = z.custom<Json>();

/** One call on a node that must still be made; its parameters contain no secrets. */
const DutyCall = z.object({ call: z.string(), params: json });
export type DutyCall = z.infer<typeof DutyCall>;

/**
 * Calls on a node that a job could not make and that must still be made: a reverse that failed, or the cleanup that a successful opcode
 * could not finish. It is retried until it is done, has become void, or an administrator gives it up (lib/jobs/duties).
 */
export const Duty = z.object({
  uuid: z.string(),
  /** A description, e.g. `disk.remove of disk 1f3c… on node2.example.com`. */
  name: z.string(),
  /** The node (uuid) on which the calls are to be made, in this order. */
  node: z.string(),
  calls: z.array(DutyCall).min(1),
  /** The object that the calls are about: `disk UUID`, `instance UUID`, … */
  about: z.string(),
  /** The names of the instances whose locks the job held; a try locks them again, so that nobody uses the object meanwhile. */
  instances: z.array(z.string()),
  /** The job that made it, the opcode, and the step that was not reversed or not done. */
  job: z.number().int(),
  opcode: z.string(),
  step: z.string(),
  /** The common prefix of the ids of all calls of that opcode: a try first ends those that are still under way. */
  scope: z.string(),
  /** Why it was not done by the job. */
  reason: z.string(),
  /** Times in seconds since 1970. */
  created: z.number(),
  /** How often it has been tried, and when it is tried next unless the node begins to answer before. */
  tries: z.number().int(),
  next_try: z.number(),
  /** Why the last try failed; null before the first. */
  last_error: z.string().nullable(),
  /** The locks of the try that is under way; null when none is. */
  locks: z
    .array(z.object({ level: z.enum(lockLevels), name: z.string(), mode: z.enum(['shared', 'exclusive']) }))
    .nullable(),
});
export type Duty = z.infer<typeof Duty>;

/** How many duties are stored at most; what exceeds it is only written to the job's log. */
export const MAX_DUTIES = 10_000;

/** The order in which duties were made, which is also the order in which those of one node are tried. */
export function compareDuties(a: Duty, b: Duty): number {
  return a.created - b.created || a.job - b.job;
}
