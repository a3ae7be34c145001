/** Where the time comes from; tests pass their own. */
export interface Clock {
  /** Seconds since 1970 with a fraction (microseconds), the form of Ganeti's ctime and mtime. */
  seconds(): number;
  /** Nanoseconds since 1970, the form of reason trails; beyond 2^53, so a BigInt. */
  nanoseconds(): bigint;
}

/**
 * A clock that goes with the machine's, also when that is set: forwards or back. In between it never runs backwards. So nothing may
 * depend on it but what is shown and stored as a time: orders rest on counters, durations on performance.now().
 * `wall` tells the machine's time in whole milliseconds, `steady` milliseconds with fractions of a clock that nobody sets.
 */
export function clockOf(wall: () => number, steady: () => number): Clock {
  let offset = wall() - steady();
  let [lastWall, last] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const microseconds = () => {
    const [now, ticks] = [wall(), steady()];
    // The true time is somewhere within this millisecond; where, the steady clock tells as long as the two go together.
    const told = Math.min(Math.max(ticks + offset, now), now + 0.999);
    offset = told - ticks;
    const time = Math.round(told * 1e3);
    last = now >= lastWall ? Math.max(last, time) : time;
    lastWall = now;
    return last;
  };
  return {
    seconds: () => microseconds() / 1e6,
    nanoseconds: () => BigInt(microseconds()) * 1000n,
  };
}

/** The machine's clock. */
export const systemClock: Clock = clockOf(Date.now, () => performance.now());

/** A time as jobs show it: whole seconds and microseconds. */
export type SplitTime = [seconds: number, microseconds: number];

/** Splits seconds with a fraction into whole seconds and microseconds. */
export function splitTime(seconds: number): SplitTime {
  const microseconds = Math.round(seconds * 1e6);
  return [Math.floor(microseconds / 1e6), microseconds % 1e6];
}
