import { isFinal, type Job, type JobOp } from '../model/job.ts';

/** Which opcode of a job waits for locks or for other jobs, and since when (seconds since 1970). */
export interface Waiting {
  op: number;
  since: number;
}

/**
 * A stored state of a job with what is known of its present and not stored: the opcode that waits, or the one that runs and
 * has written nothing yet. `ops` are the opcodes as the run of the job has them.
 */
export function withCurrent(job: Job, waiting: Waiting | null, ops: readonly JobOp[]): Job {
  if (isFinal(job.status)) return job;
  const at = waiting ? waiting.op : ops.findIndex((op) => op.status === 'running');
  const run = ops[at];
  if (!run || job.ops[at]?.status !== 'queued') return job;
  const now = waiting
    ? { status: 'waiting' as const, start: waiting.since }
    : { status: 'running' as const, start: run.start, exec: run.exec };
  const shown = job.ops.map((op, index) => (index === at ? { ...op, ...now } : op));
  return { ...job, status: now.status, start: job.start ?? now.start, ops: shown };
}
