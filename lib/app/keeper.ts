import { type Background, type BackgroundParts, continuous } from '../base/background.ts';
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
  readonly #parts: BackgroundParts;
  #kept: Background | 'starting' | null = null;

  /** `args` are those that a new worker gets, besides the folders of its nodes. */
  constructor(layout: Layout, args: readonly string[], parts: BackgroundParts) {
    this.#layout = layout;
    this.#args = args;
    this.#parts = parts;
  }

  /** Resolves when the nodes of this machine listen. @throws MerapiError and the signal's reason, as ensureWorker() */
  async start(signal: AbortSignal): Promise<void> {
    const nodes = await localNodes(this.#layout);
    if (nodes.length === 0) return;
    this.#kept = 'starting';
    await ensureWorker(this.#layout, nodes, this.#args, signal);
    this.#kept = continuous('the node worker is kept', this.#parts, (over) => this.#keep(nodes, over));
    this.#kept.start();
  }

  /** Ends the worker, if start() had to do with one; the guests go on. */
  async end(): Promise<void> {
    if (!this.#kept) return;
    if (this.#kept !== 'starting') await this.#kept.stop();
    await endWorker(this.#layout);
  }

  async #keep(nodes: readonly string[], signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#parts;
    /** Waits; false when the signal came first. */
    const rest = (time: number) =>
      clock.sleep(time, { signal }).then(
        () => true,
        () => false,
      );
    let pause = 0;
    let since = clock.now();
    while (await rest(LOOK)) {
      if (await livingWorker(this.#layout)) continue;
      if (clock.now() - since > LONG_LIFE) pause = 0;
      log.error({ pause }, 'the node worker has ended unexpectedly; it is started again');
      if (!(await rest(pause))) return;
      pause = Math.min(Math.max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE);
      since = clock.now();
      await ensureWorker(this.#layout, nodes, this.#args, signal).catch((error) => {
        if (!signal.aborted) log.error({ err: error }, 'the node worker cannot be started');
      });
    }
  }
}
