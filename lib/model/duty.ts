import * as z from 'zod';
import type { Json } from '../base/json.ts';
import { lockLevels } from './locks.ts';

const json: z.ZodType<Json> = z.custom<Json>();

/** One call on a node that is still to be made; no secrets are in its parameters. */
const DutyCall = z.object({ call: z.string(), params: json });
export type DutyCall = z.infer<typeof DutyCall>;

/**
 * Something that a job could not do on a node and that is still to be done: a reverse that failed, or what an opcode leaves
 * behind once it has done what it was for. It is tried again until it is done, or void, or given up by a person.
 */
export const Duty = z.object({
  uuid: z.string(),
  /** What it is in words, e.g. `disk.remove of disk 1f3c… on node2.example.com`. */
  name: z.string(),
  /** The node (uuid) on which the calls are to be made, in this order. */
  node: z.string(),
  calls: z.array(DutyCall).min(1),
  /** The object that the calls are about: `disk UUID`, `instance UUID`, … */
  about: z.string(),
  /** The names of the instances whose locks the job held: nobody may use the object while it is worked on. */
  instances: z.array(z.string()),
  /** The job that made it, the opcode, and the step that was not reversed or not done. */
  job: z.number().int(),
  opcode: z.string(),
  step: z.string(),
  /** How the ids of all calls of that opcode begin. */
  scope: z.string(),
  /** Why it was not done by the job. */
  reason: z.string(),
  /** Times in seconds since 1970. */
  created: z.number(),
  /** How often it has been tried, and when it is tried next if the node does not come back before. */
  tries: z.number().int(),
  next_try: z.number(),
  /** What the last try failed of; null before the first. */
  last_error: z.string().nullable(),
  /** What a try that is under way holds; null when there is none. */
  locks: z
    .array(z.object({ level: z.enum(lockLevels), name: z.string(), mode: z.enum(['shared', 'exclusive']) }))
    .nullable(),
});
export type Duty = z.infer<typeof Duty>;

/** How many duties are kept; what would be more is told in the job's log alone. */
export const MAX_DUTIES = 10_000;

/** The order in which duties were made: those of one job are done in it. */
export function compareDuties(a: Duty, b: Duty): number {
  return a.created - b.created || a.job - b.job;
}
