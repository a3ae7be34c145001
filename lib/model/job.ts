import * as z from 'zod';
import { errorCodes } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Progress } from './progress.ts';

const jobStatuses = ['queued', 'waiting', 'canceling', 'running', 'canceled', 'error', 'success'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** The statuses in which a job ends. */
const finalStatuses = ['canceled', 'error', 'success'] as const;

/** Whether a job with this status has ended. */
export function isFinal(status: JobStatus): boolean {
  return (finalStatuses as readonly JobStatus[]).includes(status);
}

/** Priorities that a client may submit; the smaller number goes first. */
export const submitPriorities = [-10, 0, 10] as const;

/** The values of an opcode: `OP_ID` and its parameters, as they were submitted. */
export interface OpInput {
  OP_ID: string;
  [param: string]: unknown;
}

/** The types of log lines: a text for people, or what a client must give to another cluster, as JSON. */
export type LogType = 'message' | 'remote-import';

/** One line of an opcode's log; `serial` counts within the job. Time in seconds since 1970. */
export const LogEntry = z.object({
  serial: z.number().int(),
  time: z.number(),
  type: z.string(),
  text: z.string(),
});
export type LogEntry = z.infer<typeof LogEntry>;

const StoredFailure = z.object({ code: z.enum(errorCodes), message: z.string() });

/** One opcode of a job with all that happened to it. Times in seconds since 1970. */
export interface JobOp {
  /** As submitted, secrets redacted; never changed afterwards. */
  input: OpInput;
  /** What checking filled in or took away (null); merged into the input where a job is shown. */
  resolved: Record<string, Json>;
  status: JobStatus;
  result: Json;
  failure: z.infer<typeof StoredFailure> | null;
  log: readonly LogEntry[];
  /** When it began to wait for locks, when it had them, when it ended. */
  start: number | null;
  exec: number | null;
  end: number | null;
}

/** How far a step of the running opcode is. */
export interface JobProgress extends Progress {
  /** The name of the step. */
  step: string;
  /** When it was told, in seconds since 1970. */
  time: number;
}

/** A job: opcodes that run one after the other. */
export interface Job {
  id: number;
  status: JobStatus;
  priority: number;
  ops: readonly JobOp[];
  received: number;
  start: number | null;
  end: number | null;
  archived: boolean;
  /** Whether it only reads: then it is told in no events, and forgotten soon after its end. */
  brief?: boolean;
  /** How far the steps under way are that tell it; not stored. */
  progress?: readonly JobProgress[];
}
