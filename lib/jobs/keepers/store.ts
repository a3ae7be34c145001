import { setTimeout as sleep } from 'node:timers/promises';
import { errorText } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../store/store.ts';
import type { JobQueue } from '../queue.ts';

/** How long to wait between two tries to write, in milliseconds. */
const PAUSE = 1000;

/**
 * Bears a store that cannot be written, such as one on a full disk: jobs stop where they stand, and go on from what is on disk when
 * it can be written again. Meanwhile everything can be read. Answers how to stop that.
 */
export function keepStoreWritable(store: Store, queue: JobQueue, log: Logger): () => void {
  const over = new AbortController();
  const recover = async () => {
    while (!over.signal.aborted) {
      await sleep(PAUSE, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
      if (over.signal.aborted || !(await store.retry())) continue;
      try {
        await queue.start();
        log.warn('the store can be written again: jobs go on');
        return;
      } catch (error) {
        log.error({ reason: errorText(error) }, 'jobs cannot be taken up');
        queue.suspend();
      }
    }
  };
  store.onFailure((error, lost) => {
    queue.suspend();
    if (lost) return;
    log.error({ reason: errorText(error) }, 'the store cannot be written: jobs wait until it can');
    void recover();
  });
  return () => over.abort();
}
