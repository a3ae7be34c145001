import { unattended } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/** The pause between two requests to end a call, in milliseconds. */
const STOP_PAUSE = 500;

/** How a call under way is ended. */
interface Stopping {
  /** Fires when the call must end. */
  signal: AbortSignal;
  /** Asks the node to end the call; this request itself is given up when `over` fires. */
  ask(over: AbortSignal): Promise<unknown>;
  log: Logger;
  clock: Clock;
}

/**
 * Makes a call that changes a node, and ends it there when the signal fires. The outcome is always the node's answer, so that the master
 * knows what was done. The node is asked repeatedly, since the call may arrive there after a request to end it.
 */
export async function stoppable<T>(
  { signal, ask, log, clock }: Stopping,
  make: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const stop = async () => {
    while (!over.signal.aborted) {
      await ask(over.signal).catch((error) => {
        if (!over.signal.aborted) log.info({ reason: errorText(error) }, 'a call cannot be ended yet');
      });
      await clock.sleep(STOP_PAUSE, { signal: over.signal }).catch(() => undefined);
    }
  };
  const begin = () => unattended('ending a call', log, stop);
  signal.addEventListener('abort', begin);
  try {
    return await make();
  } finally {
    over.abort();
    signal.removeEventListener('abort', begin);
  }
}
