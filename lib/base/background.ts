// Work that goes on beside requests and jobs. What goes wrong in it has nobody to be told to: here it is logged, and the work goes on.
// Nothing in lib starts such work in another way (a test looks).
import type { Clock } from './clock.ts';
import { errorText } from './errors.ts';
import type { Logger } from './log.ts';

/** Work that goes on from start() to stop(). */
export interface Background {
  /** Where it answers a promise, what comes after in the order of starts waits for that. */
  start(): void | Promise<void>;
  /** Resolves when the work has ended. Does nothing where it was not started. */
  stop(): Promise<void>;
}

/** What such work is begun with. */
export interface BackgroundParts {
  log: Logger;
  clock: Clock;
}

/** The pause before work that failed begins again, in milliseconds: FIRST_PAUSE, then twice as long each time. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 30_000;
/** Work that went on for so many milliseconds did not fail because of how it begins. */
const LONG_LIFE = 60_000;

/**
 * Runs `work` until it is stopped. It is to end when its signal fires; when it fails before, it begins again after a pause. Work that
 * ends well is done.
 */
export function continuous(
  what: string,
  { log, clock }: BackgroundParts,
  work: (signal: AbortSignal) => Promise<void>,
): Background {
  const over = new AbortController();
  const { signal } = over;
  let running: Promise<void> | null = null;
  const run = async () => {
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const since = clock.now();
      try {
        await work(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (clock.now() - since > LONG_LIFE) pause = FIRST_PAUSE;
        log.error({ err: error, pause }, `${what}: this failed, and begins again`);
      }
      await clock.sleep(pause, { signal }).catch(() => undefined);
    }
  };
  return {
    start: () => {
      running ??= run();
    },
    stop: async () => {
      over.abort();
      await running;
    },
  };
}

/** Does `work` now and every `period` milliseconds, never twice at the same time. It does not keep the process alive. */
export function periodic(
  what: string,
  { log, clock }: BackgroundParts,
  period: number,
  work: (signal: AbortSignal) => Promise<void>,
): Background {
  return continuous(what, { log, clock }, async (signal) => {
    while (!signal.aborted) {
      await work(signal).catch((error) => {
        if (!signal.aborted)
          log.warn({ reason: errorText(error) }, `${what}: this failed, and is tried again`);
      });
      await clock.sleep(period, { signal, ref: false }).catch(() => undefined);
    }
  });
}

/** Lets work go on that nobody waits for. */
export function unattended(what: string, log: Logger, work: () => Promise<unknown>): void {
  const run = async () => {
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, `${what}: this failed`);
    }
  };
  void run();
}
