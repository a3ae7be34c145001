import { setTimeout as sleep } from 'node:timers/promises';
import { type Background, continuous } from '../base/background.ts';
import type { Logger } from '../base/log.ts';
import { type Layout, localNodes } from './layout.ts';
import { endWorker, ensureWorker, livingWorker } from './workers.ts';

/** How often it is looked after the worker, in milliseconds: an adopted one is no child, so its end is not told. */
const LOOK = 500;
/** The pause before a worker is started again, in milliseconds: none at first, then from FIRST_PAUSE on twice as long each time. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** A worker that has lived as long as this, in milliseconds, did not end because of how it was started. */
const LONG_LIFE = 60_000;

/** Keeps a process running that runs the nodes of this machine, from start() to end(). */
export class WorkerKeeper {
  readonly #layout: Layout;
  readonly #args: readonly string[];
  readonly #log: Logger;
  #kept: Background | 'starting' | null = null;

  /** `args` are those that a new worker gets, besides the folders of its nodes. */
  constructor(layout: Layout, args: readonly string[], log: Logger) {
    this.#layout = layout;
    this.#args = args;
    this.#log = log;
  }

  /** Resolves when the nodes of this machine listen. @throws MerapiError and the signal's reason, as ensureWorker() */
  async start(signal: AbortSignal): Promise<void> {
    const nodes = await localNodes(this.#layout);
    if (nodes.length === 0) return;
    this.#kept = 'starting';
    await ensureWorker(this.#layout, nodes, this.#args, signal);
    this.#kept = continuous('the node worker is kept', this.#log, (over) => this.#keep(nodes, over));
    this.#kept.start();
  }

  /** Ends the worker, if start() had to do with one; the guests go on. */
  async end(): Promise<void> {
    if (!this.#kept) return;
    if (this.#kept !== 'starting') await this.#kept.stop();
    await endWorker(this.#layout);
  }

  async #keep(nodes: readonly string[], signal: AbortSignal): Promise<void> {
    let pause = 0;
    let since = performance.now();
    while (await rest(LOOK, signal)) {
      if (await livingWorker(this.#layout)) continue;
      if (performance.now() - since > LONG_LIFE) pause = 0;
      this.#log.error({ pause }, 'the node worker has ended unexpectedly; it is started again');
      if (!(await rest(pause, signal))) return;
      pause = Math.min(Math.max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE);
      since = performance.now();
      await ensureWorker(this.#layout, nodes, this.#args, signal).catch((error) => {
        if (!signal.aborted) this.#log.error({ err: error }, 'the node worker cannot be started');
      });
    }
  }
}

/** Waits; false when the signal came first. */
function rest(time: number, signal: AbortSignal): Promise<boolean> {
  return sleep(time, undefined, { signal }).then(
    () => true,
    () => false,
  );
}
