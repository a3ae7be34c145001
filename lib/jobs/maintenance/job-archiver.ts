import { type Background, type BackgroundParts, periodic } from '../../base/background.ts';
import type { History } from '../history.ts';
import type { JobQueue } from '../queue.ts';

/** How often old things are looked for, in milliseconds. */
const PERIOD = 60_000;

/** Archives jobs when they are as old as the queue is set to, and forgets old events and keys; now and every minute. */
export function jobArchiver(queue: JobQueue, history: History, parts: BackgroundParts): Background {
  const { log } = parts;
  return periodic('what is old is archived or forgotten', parts, PERIOD, async () => {
    const { archive_after } = queue.state;
    const count = archive_after === null ? 0 : await history.archiveOlder(archive_after);
    if (count > 0) log.info({ count }, 'old jobs are archived');
    await history.forgetBrief();
    await history.forget();
  });
}
