import type { Background } from '../../base/background.ts';
import type { RuntimeTable } from '../../rpc/runtime.ts';
import type { JobQueue } from '../queue.ts';

/** Has the duties of a node tried when it begins to answer, or its worker has been restarted (its epoch changes). */
export function dutyRetry(queue: JobQueue, runtime: RuntimeTable): Background {
  let unsubscribe: () => void = () => undefined;
  return {
    start() {
      unsubscribe = runtime.subscribe((node, before, after) => {
        if (after && before?.epoch !== after.epoch) queue.nodeAnswers(node);
      });
    },
    async stop() {
      unsubscribe();
    },
  };
}
