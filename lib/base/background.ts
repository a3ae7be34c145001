// Background work: what runs independently of requests and jobs. No caller receives its errors, so they are logged here and the work
// continues. All background work in lib is started through this file; a test checks that.
import type { Clock } from './clock.ts';
import { errorText } from './errors.ts';
import type { Logger } from './log.ts';

/** A background service. It runs from start() to stop(). */
export interface Background {
  /** When it returns a promise, services that are started after it wait for that promise. */
  start(): void | Promise<void>;
  /** Resolves when the work has ended. Does nothing when it was not started. */
  stop(): Promise<void>;
}

/** The dependencies of every background service. */
export interface BackgroundParts {
  log: Logger;
  clock: Clock;
}

/** Exponential backoff before failed work is restarted, in milliseconds: FIRST_PAUSE, doubled each time up to LONGEST_PAUSE. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 30_000;
/** The backoff starts from FIRST_PAUSE again when the work ran for longer than this before it failed, in milliseconds. */
const LONG_LIFE = 60_000;

/**
 * A service that runs `work` until it is stopped. `work` must end when its signal fires. When it throws, it is restarted after a
 * pause; when it returns, it is finished and not restarted.
 */
export function continuous(
  what: string,
  { log, clock }: BackgroundParts,
  work: (signal: AbortSignal) => Promise<void>,
): Background {
  const stopped = new AbortController();
  const { signal } = stopped;
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
        log.error({ err: error, pause }, `${what}: this failed and is restarted`);
      }
      await clock.sleep(pause, { signal }).catch(() => undefined);
    }
  };
  return {
    start: () => {
      running ??= run();
    },
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/**
 * A service that does `work` at its start and `period` milliseconds after each run has ended, so that runs never overlap. A run that
 * fails is logged; the next one comes as usual. The pause does not keep the process alive.
 */
export function periodic(
  what: string,
  { log, clock }: BackgroundParts,
  period: number,
  work: (signal: AbortSignal) => Promise<void>,
): Background {
  return continuous(what, { log, clock }, async (signal) => {
    while (!signal.aborted) {
      await work(signal).catch((error) => {
        if (!signal.aborted) log.warn({ reason: errorText(error) }, `${what}: this failed and is retried`);
      });
      await clock.sleep(period, { signal, ref: false }).catch(() => undefined);
    }
  });
}

/** Starts work whose end and result no caller awaits; when it throws, that is logged. */
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
