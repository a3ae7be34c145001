import { type Background, type BackgroundParts, continuous } from '../../base/background.ts';
import { errorText } from '../../base/errors.ts';
import type { Store } from '../../store/define.ts';
import type { JobQueue } from '../queue.ts';

/** How long to wait between two tries to write, in milliseconds. */
const PAUSE = 1000;

/**
 * Recovers from a store that cannot be written, such as one on a full disk: jobs stop where they stand, and go on from what is on disk when
 * it can be written again. Meanwhile everything can be read. If one job was to write what no disk would take, the others go on at
 * once, and that one fails.
 */
export function storeRecovery(
  store: Pick<Store, 'onFailure' | 'retry'>,
  queue: JobQueue,
  { log, clock }: BackgroundParts,
): Background {
  let recovery: Background | null = null;
  let forget: () => void = () => undefined;
  const recover = (first: number) =>
    continuous('taking the jobs up again', { log, clock }, async (signal) => {
      for (let pause = first; !signal.aborted; pause = PAUSE) {
        await clock.sleep(pause, { signal, ref: false }).catch(() => undefined);
        if (signal.aborted || !(await store.retry())) continue;
        try {
          await queue.start();
          log.warn('the store can be written again: jobs go on');
          recovery = null;
          return;
        } catch (error) {
          log.error({ reason: errorText(error) }, 'jobs cannot be taken up');
          queue.suspend();
        }
      }
    });
  return {
    start() {
      forget = store.onFailure(({ error, lost, culprit }) => {
        queue.suspend();
        if (lost) return;
        if (culprit !== null) queue.blame(culprit, error);
        const about = { reason: errorText(error), ...(culprit === null ? {} : { job: culprit }) };
        log.error(about, 'the store cannot be written: jobs wait until it can');
        if (recovery) return;
        recovery = recover(culprit === null ? PAUSE : 0);
        recovery.start();
      });
    },
    async stop() {
      forget();
      await recovery?.stop();
    },
  };
}
