import { setImmediate } from 'node:timers/promises';

/** How long work may occupy the thread before it pauses, in milliseconds. */
const SLICE = 8;

/** Time slices for long work on the main thread, so that requests and jobs run in between. */
export class Slices {
  #end = performance.now() + SLICE;

  /** Whether the slice is used up; the caller must then await pause(). Cheap enough to be checked at every row. */
  get over(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets everything that waits for the thread run, then begins a new slice. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#end = performance.now() + SLICE;
  }
}
