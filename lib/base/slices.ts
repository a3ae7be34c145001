import { setImmediate } from 'node:timers/promises';

/** How long work may keep the thread to itself, in milliseconds. */
const SLICE = 8;

/** Long work on the main thread in slices, so that requests and jobs come in between. */
export class Slices {
  #end = performance.now() + SLICE;

  /** Whether the slice is used up; the caller then pauses. It costs little enough to be asked at every row. */
  get over(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets everything else that waits go first. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#end = performance.now() + SLICE;
  }
}
