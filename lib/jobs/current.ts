import { isFinal, type Job, type JobOp, type JobProgress } from '../model/job.ts';

/**
 * A stored state of a job with what is known of its present and not stored: that it waits (since when, in seconds since 1970),
 * or that it runs and has written nothing yet, and how far its steps are. `ops` are the opcodes as the run of the job has them.
 */
export function withCurrent(
  stored: Job,
  waitingSince: number | null,
  ops: readonly JobOp[],
  progress: readonly JobProgress[] = [],
): Job {
  const job = progress.length > 0 && !isFinal(stored.status) ? { ...stored, progress } : stored;
  const at = job.ops.findIndex((op) => !isFinal(op.status));
  const run = ops[at];
  if (!run || job.ops[at]?.status !== 'queued') return job;
  const hasLeft = waitingSince !== null || run.status !== 'queued'; // its end may be on its way to the disk
  if (!hasLeft) return job;
  const now =
    run.exec === null
      ? { status: 'waiting' as const, start: waitingSince }
      : { status: 'running' as const, start: run.start, exec: run.exec };
  const shown = job.ops.map((op, index) => (index === at ? { ...op, ...now } : op));
  return { ...job, status: now.status, start: job.start ?? now.start, ops: shown };
}
