/** Where the time comes from; tests pass their own. */
export interface Clock {
  /** Seconds since 1970 with a fraction (microseconds), the form of Ganeti's ctime and mtime. */
  seconds(): number;
  /** Nanoseconds since 1970, the form of reason trails; beyond 2^53, so a BigInt. */
  nanoseconds(): bigint;
}

/** The machine's clock; never runs backwards within a process. */
export const systemClock: Clock = {
  seconds: () => Math.round((performance.timeOrigin + performance.now()) * 1e3) / 1e6,
  nanoseconds: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n,
};

/** A time as jobs show it: whole seconds and microseconds. */
export type SplitTime = [seconds: number, microseconds: number];

/** Splits seconds with a fraction into whole seconds and microseconds. */
export function splitTime(seconds: number): SplitTime {
  const microseconds = Math.round(seconds * 1e6);
  return [Math.floor(microseconds / 1e6), microseconds % 1e6];
}
