import { type Background, type BackgroundParts, continuous } from '../../base/background.ts';
import { errorText } from '../../base/errors.ts';
import type { Store } from '../../store/define.ts';
import type { JobQueue } from '../queue.ts';

/** The pause between two tries to write, in milliseconds. */
const PAUSE = 1000;

/**
 * Recovers from a store that cannot be written, such as one on a full disk:
 *
 * 1. The queue is suspended: its jobs stop without an end. Reads still work, submissions are refused.
 * 2. The store is retried: at once when one job's own record is to blame, otherwise after each pause.
 * 3. When it can be written again, the queue starts from what is durable, as after a crash. A job that was to blame fails.
 *
 * A store that another master has taken over (`lost`) is never retried.
 */
export function storeRecovery(
  store: Pick<Store, 'onFailure' | 'retry'>,
  queue: JobQueue,
  { log, clock }: BackgroundParts,
): Background {
  let recovery: Background | null = null;
  let unsubscribe: () => void = () => undefined;
  const recover = (first: number) =>
    continuous('resuming the jobs', { log, clock }, async (signal) => {
      for (let pause = first; !signal.aborted; pause = PAUSE) {
        await clock.sleep(pause, { signal, ref: false }).catch(() => undefined);
        if (signal.aborted || !(await store.retry())) continue;
        try {
          await queue.start();
          log.warn('the store can be written again: jobs are resumed');
          recovery = null;
          return;
        } catch (error) {
          log.error({ reason: errorText(error) }, 'jobs cannot be resumed');
          queue.suspend();
        }
      }
    });
  return {
    start() {
      unsubscribe = store.onFailure(({ error, lost, culprit }) => {
        queue.suspend();
        if (lost) return;
        if (culprit !== null) queue.blame(culprit, error);
        const fields = { reason: errorText(error), ...(culprit === null ? {} : { job: culprit }) };
        log.error(fields, 'the store cannot be written: jobs wait until it can');
        if (recovery) return;
        recovery = recover(culprit === null ? PAUSE : 0);
        recovery.start();
      });
    },
    async stop() {
      unsubscribe();
      await recovery?.stop();
    },
  };
}
