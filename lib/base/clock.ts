// The time of one process: reading it and waiting. Code that needs either gets a Clock passed in, from lib/app/master.ts and
// lib/node/worker.ts downwards, so that tests can run masters and workers on virtual time, each with its own clock faults.

/** A source of time; tests pass their own. */
export interface Clock {
  /** Seconds since 1970 with a fraction (microseconds), the form of Ganeti's ctime and mtime. */
  seconds(): number;
  /** Nanoseconds since 1970, the form of reason trails; beyond 2^53, so a BigInt. */
  nanoseconds(): bigint;
  /** Milliseconds with a fraction of a monotonic clock with an arbitrary origin: for durations and deadlines. */
  now(): number;
  /**
   * Resolves after so many milliseconds. With `ref: false` the wait does not keep the process alive.
   * @throws the reason of the signal when that fires first
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

/** A scheduled callback. */
export interface Timer {
  /** Cancels the callback. Does nothing when it has been called. */
  cancel(): void;
  /** Lets the process exit before the callback is due. */
  unref(): Timer;
}

/** A signal that fires after a time. cancel() releases its timer, which AbortSignal.timeout() would keep until the time is over. */
interface Timeout {
  readonly signal: AbortSignal;
  cancel(): void;
}

/** The sources from which a clock is built. */
export interface ClockParts {
  /** The machine's time in whole milliseconds since 1970; it may be set forwards or back. */
  wall(): number;
  /** The monotonic time that now() returns, in milliseconds. */
  steady(): number;
  timer: Clock['timer'];
}

/**
 * A clock whose seconds() and nanoseconds() follow the machine's wall clock, also when that is set forwards or back; between such
 * changes they never run backwards. Use them only for times that are shown or stored: take orders from counters and durations from
 * now().
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
          pending.cancel();
          reject(signal?.reason);
        };
        const pending = timer(milliseconds, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        if (!ref) pending.unref();
        signal?.addEventListener('abort', abort, { once: true });
      }),
    timeout: (milliseconds) => {
      const controller = new AbortController();
      const expire = () => controller.abort(new DOMException(`${milliseconds} ms are over`, 'TimeoutError'));
      const pending = timer(milliseconds, expire).unref();
      return { signal: controller.signal, cancel: () => pending.cancel() };
    },
  };
}

/**
 * Microseconds since 1970, from a wall clock that has whole milliseconds and may be set, and a monotonic clock that is more exact.
 * The result stays within the wall clock's millisecond and never decreases unless the wall clock does.
 */
function microsecondsOf(wall: () => number, steady: () => number): () => number {
  let offset = wall() - steady();
  let [lastWall, last] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return () => {
    const [now, ticks] = [wall(), steady()];
    // The true time is somewhere within this millisecond; the steady clock says where, as long as the two clocks agree.
    const exact = Math.min(Math.max(ticks + offset, now), now + 0.999);
    offset = exact - ticks;
    const time = Math.round(exact * 1e3);
    last = now >= lastWall ? Math.max(last, time) : time;
    lastWall = now;
    return last;
  };
}

/** The longest delay of setTimeout() in milliseconds: Node.js fires a timer with a longer one at once. */
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

/** A time in the form of Ganeti's jobs: whole seconds and microseconds. */
export type SplitTime = [seconds: number, microseconds: number];

/** Splits seconds with a fraction into whole seconds and microseconds. */
export function splitTime(seconds: number): SplitTime {
  const microseconds = Math.round(seconds * 1e6);
  return [Math.floor(microseconds / 1e6), microseconds % 1e6];
}
