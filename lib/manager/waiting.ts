import { Bell } from '../base/bell.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal, type Job } from '../model/job.ts';
import type { JobWait } from './define.ts';
import type { ManagerDependencies } from './parts.ts';

/**
 * Reads a job now and after each of its changes, until `isNews` accepts it or it has ended; null when the time is over or the signal
 * fires first. The subscription begins before the first read, so no change is missed.
 * @throws MerapiError not_found
 */
export async function waitForNews(
  { queue, clock }: Pick<ManagerDependencies, 'queue' | 'clock'>,
  id: number,
  { isNews, timeout = Number.POSITIVE_INFINITY, signal }: JobWait,
): Promise<Job | null> {
  const bell = new Bell(clock);
  const stop = queue.subscribe(id, bell.ring);
  signal.addEventListener('abort', bell.ring);
  const end = clock.now() + timeout;
  try {
    while (!signal.aborted && clock.now() < end) {
      bell.reset();
      const job = await queue.get(id);
      if (!job) throw new MerapiError('not_found', `There is no job ${id}`);
      // A job that has ended does not change any more.
      if (isFinal(job.status) || isNews(job)) return job;
      if (!signal.aborted) await bell.wait(Math.min(Math.max(0, end - clock.now()), LONGEST_PAUSE));
    }
    return null;
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}

/** The longest single wait, in milliseconds: a Node.js timer of more than 24 days would fire at once. */
const LONGEST_PAUSE = 3600_000;
