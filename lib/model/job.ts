// A job and its opcodes. The states of a job, and of each of its opcodes:
//
// | status | the job | next |
// | --- | --- | --- |
// | queued | is not admitted by the job filters yet, or waits for other jobs | waiting, running, canceled, error |
// | waiting | waits for other jobs, for locks or for a slot; it is shown, but not stored | running, canceled, error |
// | running | an opcode runs | canceling, success, error |
// | canceling | stops before its next step, then undoes what it has done | canceled, success, error |
// | canceled, error, success | has ended | – |
//
// The status `canceling` is the job's only; its opcode stays running until it ends.
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

/** A submitted opcode: `OP_ID` and its parameters. */
export interface OpInput {
  OP_ID: string;
  [param: string]: unknown;
}

/** The types of log lines: a text for people, or JSON that a client must pass to another cluster (for the move of an instance). */
export type LogType = 'message' | 'remote-import';

/** One line of an opcode's log; `serial` counts within the job. Time in seconds since 1970. */
export const LogEntry = z.object({
  serial: z.number().int(),
  time: z.number(),
  type: z.string(),
  text: z.string(),
});
export type LogEntry = z.infer<typeof LogEntry>;

const StoredFailure = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  detail: z.string().optional(),
});

/** One opcode of a job with its outcome. Times in seconds since 1970. */
export interface JobOp {
  /** As submitted, with defaults and with secrets redacted; it never changes afterwards. */
  input: OpInput;
  /** Values that the check filled in, or removed (null); they are merged into the input where a job is shown. */
  resolved: Record<string, Json>;
  status: JobStatus;
  result: Json;
  failure: z.infer<typeof StoredFailure> | null;
  log: readonly LogEntry[];
  /** When it began to wait for locks, when it began to run, and when it ended. */
  start: number | null;
  exec: number | null;
  end: number | null;
}

/** The progress of a step of the running opcode. */
export interface JobProgress extends Progress {
  /** The name of the step. */
  step: string;
  /** When it was reported, in seconds since 1970. */
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
  /** Whether it only reads: then it makes no events, and is deleted soon after its end (lib/jobs/brief.ts). */
  brief?: boolean;
  /** The progress of the steps under way that report it; not stored. */
  progress?: readonly JobProgress[];
}
