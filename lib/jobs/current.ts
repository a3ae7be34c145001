import { isFinal, type Job, type JobOp, type JobProgress } from '../model/job.ts';

/**
 * Adds to a stored job what only the memory of the master has: that an opcode is waiting or is running but has written nothing yet,
 * and the progress of its steps.
 * @param waitingSince in seconds since 1970; null when the job does not wait
 * @param ops the opcodes as the running job has them, written or not
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
  const isQueued = waitingSince === null && run.status === 'queued';
  if (isQueued) return job;
  const now =
    run.exec === null
      ? { status: 'waiting' as const, start: waitingSince }
      : { status: 'running' as const, start: run.start, exec: run.exec };
  const shown = job.ops.map((op, index) => (index === at ? { ...op, ...now } : op));
  return { ...job, status: now.status, start: job.start ?? now.start, ops: shown };
}
