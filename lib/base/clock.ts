// The time of one process: what it is, and waiting for it. Whatever needs either is given a Clock by who made it, from
// lib/app/master.ts and lib/node/worker.ts downwards, so that a test can run masters and workers on virtual time, each with a clock
// that goes wrong in its own way.

/** Where the time comes from; tests pass their own. */
export interface Clock {
  /** Seconds since 1970 with a fraction (microseconds), the form of Ganeti's ctime and mtime. */
  seconds(): number;
  /** Nanoseconds since 1970, the form of reason trails; beyond 2^53, so a BigInt. */
  nanoseconds(): bigint;
  /** Milliseconds with a fraction since some moment, of a clock that nobody sets and that never runs backwards: for durations and deadlines. */
  now(): number;
  /**
   * Resolves after so many milliseconds. With `ref: false` the wait does not keep the process alive.
   * @throws the reason of the signal when that fires before
   */
  sleep(milliseconds: number, options?: SleepOptions): Promise<void>;
  /** Calls back once after so many milliseconds (1 at least), and keeps the process alive until then. */
  timer(milliseconds: number, callback: () => void): Timer;
  /** A signal that fires after so many milliseconds, with a TimeoutError. It does not keep the process alive. */
  timeout(milliseconds: number): Timeout;
}

interface SleepOptions {
  signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive; by default it does. */
  ref?: boolean;
}

/** A callback that is due. */
export interface Timer {
  /** Has it not called; nothing when it was called. */
  cancel(): void;
  /** Lets the process end before it is due. */
  unref(): Timer;
}

/** A signal that fires when a time is over, unless it is cancelled: then nothing of it is left, however far away that time is. */
interface Timeout {
  readonly signal: AbortSignal;
  cancel(): void;
}

/** What a clock is made of. */
export interface ClockParts {
  /** The machine's time in whole milliseconds since 1970; it may be set. */
  wall(): number;
  /** What now() tells. */
  steady(): number;
  timer: Clock['timer'];
}

/**
 * A clock whose seconds() and nanoseconds() go with the machine's, also when that is set: forwards or back. In between they never run
 * backwards. So nothing may depend on them but what is shown and stored as a time: orders rest on counters, durations on now().
 */
export function clockOf({ wall, steady, timer }: ClockParts): Clock {
  const microseconds = microsecondsOf(wall, steady);
  return {
    seconds: () => microseconds() / 1e6,
    nanoseconds: () => BigInt(microseconds()) * 1000n,
    now: steady,
    timer,
    sleep: (milliseconds, { signal, ref = true } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => {
          due.cancel();
          reject(signal?.reason);
        };
        const due = timer(milliseconds, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        if (!ref) due.unref();
        signal?.addEventListener('abort', abort, { once: true });
      }),
    timeout: (milliseconds) => {
      const over = new AbortController();
      const late = () => over.abort(new DOMException(`${milliseconds} ms are over`, 'TimeoutError'));
      const due = timer(milliseconds, late).unref();
      return { signal: over.signal, cancel: () => due.cancel() };
    },
  };
}

/** Microseconds since 1970 of a clock that tells whole milliseconds and may be set, and one that is more exact and is not. */
function microsecondsOf(wall: () => number, steady: () => number): () => number {
  let offset = wall() - steady();
  let [lastWall, last] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return () => {
    const [now, ticks] = [wall(), steady()];
    // The true time is somewhere within this millisecond; where, the steady clock tells as long as the two go together.
    const told = Math.min(Math.max(ticks + offset, now), now + 0.999);
    offset = told - ticks;
    const time = Math.round(told * 1e3);
    last = now >= lastWall ? Math.max(last, time) : time;
    lastWall = now;
    return last;
  };
}

/** The longest time that Node.js can wait in one go, in milliseconds: one that is longer would be over at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

function systemTimer(milliseconds: number, callback: () => void): Timer {
  let handle: NodeJS.Timeout;
  let isRef = true;
  const arm = (left: number) => {
    const rest = left - LONGEST_TIMER;
    handle = setTimeout(rest > 0 ? () => arm(rest) : callback, Math.min(left, LONGEST_TIMER));
    if (!isRef) handle.unref();
  };
  arm(milliseconds);
  const timer: Timer = {
    cancel: () => clearTimeout(handle),
    unref: () => {
      isRef = false;
      handle.unref();
      return timer;
    },
  };
  return timer;
}

/** The machine's clock. */
export const systemClock: Clock = clockOf({
  wall: Date.now,
  steady: () => performance.now(),
  timer: systemTimer,
});

/** A time as jobs show it: whole seconds and microseconds. */
export type SplitTime = [seconds: number, microseconds: number];

/** Splits seconds with a fraction into whole seconds and microseconds. */
export function splitTime(seconds: number): SplitTime {
  const microseconds = Math.round(seconds * 1e6);
  return [Math.floor(microseconds / 1e6), microseconds % 1e6];
}
