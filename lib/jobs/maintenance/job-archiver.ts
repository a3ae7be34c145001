import { type Background, type BackgroundParts, periodic } from '../../base/background.ts';
import type { History } from '../history.ts';
import type { JobQueue } from '../queue.ts';

/** How often it runs, in milliseconds. */
const PERIOD = 60_000;

/** Archives jobs by the queue's `archive_after`, and deletes old read-only jobs, events and keys: at its start and every minute. */
export function jobArchiver(queue: JobQueue, history: History, parts: BackgroundParts): Background {
  const { log } = parts;
  return periodic('archiving old jobs', parts, PERIOD, async () => {
    const { archive_after } = queue.state;
    const count = archive_after === null ? 0 : await history.archiveOlder(archive_after);
    if (count > 0) log.info({ count }, 'old jobs are archived');
    await history.forgetBrief();
    await history.forget();
  });
}
