import { Bell } from '../base/bell.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal, type Job } from '../model/job.ts';
import type { JobWait } from './define.ts';
import type { ManagerParts } from './parts.ts';

/** Looks at a job now and after each of its changes, until it has news or has ended; null when the time is over or the signal fires. */
export async function waitForNews(
  { queue, clock }: Pick<ManagerParts, 'queue' | 'clock'>,
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
      // Of a job that has ended nothing more will come: waiting for it would never end well.
      if (isFinal(job.status) || isNews(job)) return job;
      if (!signal.aborted) await bell.wait(Math.min(Math.max(0, end - clock.now()), LONGEST_PAUSE));
    }
    return null;
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}

/** Milliseconds: a timer of more than 24 days would fire at once. */
const LONGEST_PAUSE = 3600_000;
