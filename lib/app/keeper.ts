// Supervises the node worker of `merapi up`. The worker is a detached process: when the master crashes, it finishes the calls in progress,
// and the next master adopts it (workers.ts). When the master ends in an orderly way, it ends the worker too. Guests survive both.

import { type Background, type BackgroundParts, continuous } from '../base/background.ts';
import { type Layout, localNodes } from './layout.ts';
import { endWorker, ensureWorker, livingWorker } from './workers.ts';

/** Milliseconds between two checks whether the worker lives: an adopted one is not a child, so there is no event when it exits. */
const POLL_PERIOD = 500;
/** The pause before a worker is restarted, in milliseconds: none at first, then FIRST_PAUSE, doubled each time up to LONGEST_PAUSE. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** The pauses begin from none again after a worker that ran for longer than this, in milliseconds. */
const LONG_LIFE = 60_000;

/** Keeps the process alive that runs the nodes of this machine, from start() to end(). */
export class WorkerSupervisor {
  readonly #layout: Layout;
  readonly #args: readonly string[];
  readonly #parts: BackgroundParts;
  #supervision: Background | 'starting' | null = null;

  /** `args` are the arguments of a new worker besides the folders of its nodes. */
  constructor(layout: Layout, args: readonly string[], parts: BackgroundParts) {
    this.#layout = layout;
    this.#args = args;
    this.#parts = parts;
  }

  /** Resolves when the nodes of this machine listen. @throws MerapiError and the signal's reason, as ensureWorker() */
  async start(signal: AbortSignal): Promise<void> {
    const nodes = await localNodes(this.#layout);
    if (nodes.length === 0) return;
    this.#supervision = 'starting';
    await ensureWorker(this.#layout, nodes, this.#args, signal);
    this.#supervision = continuous('the node worker is kept running', this.#parts, (stopped) =>
      this.#supervise(nodes, stopped),
    );
    this.#supervision.start();
  }

  /** Ends the worker, unless start() found no nodes or was not called. The guests keep running. */
  async end(): Promise<void> {
    if (!this.#supervision) return;
    if (this.#supervision !== 'starting') await this.#supervision.stop();
    await endWorker(this.#layout);
  }

  async #supervise(nodes: readonly string[], signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#parts;
    /** Waits so many milliseconds; false when the signal fires first. */
    const sleep = (time: number) =>
      clock.sleep(time, { signal }).then(
        () => true,
        () => false,
      );
    let pause = 0;
    let since = clock.now();
    while (await sleep(POLL_PERIOD)) {
      if (await livingWorker(this.#layout)) continue;
      if (clock.now() - since > LONG_LIFE) pause = 0;
      log.error({ pause }, 'the node worker has ended unexpectedly and is restarted');
      if (!(await sleep(pause))) return;
      pause = Math.min(Math.max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE);
      since = clock.now();
      await ensureWorker(this.#layout, nodes, this.#args, signal).catch((error) => {
        if (!signal.aborted) log.error({ err: error }, 'the node worker cannot be started');
      });
    }
  }
}
