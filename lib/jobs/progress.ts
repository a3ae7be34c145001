import type { Clock } from '../base/clock.ts';
import type { JobProgress } from '../model/job.ts';
import type { Progress, Tell } from '../model/progress.ts';

/** How often the log tells how far a step is, in milliseconds; the first time when the step has taken so long. */
const LOG_PAUSE = 30_000;

/** What hears of the progress of steps. */
interface Listener {
  /** Called whenever `current` may be another. */
  onChange(): void;
  /** Adds a line to the job's log, and writes it. */
  log(text: string): void;
}

/**
 * How far the steps of an opcode are that tell it. It is in memory only, for it is nothing that a job could go on from: the log gets a line now
 * and then.
 */
export class StepProgress {
  readonly #steps = new Map<string, JobProgress>();
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #logPause: number;

  constructor(clock: Clock, listener: Listener, logPause = LOG_PAUSE) {
    this.#clock = clock;
    this.#listener = listener;
    this.#logPause = logPause;
  }

  /** The steps under way that have told something, in the order in which they began to. */
  get current(): readonly JobProgress[] {
    return [...this.#steps.values()];
  }

  /** Runs a step that may tell how far it is. */
  async during<T>(step: string, work: (tell: Tell) => Promise<T> | T): Promise<T> {
    let logged = this.#clock.now();
    const tell = (progress: Progress) => {
      this.#steps.set(step, { step, ...progress, time: this.#clock.seconds() });
      if (this.#clock.now() - logged >= this.#logPause) {
        logged = this.#clock.now();
        this.#listener.log(`${step}: ${wordsOf(progress)}`);
      }
      this.#listener.onChange();
    };
    try {
      return await work(tell);
    } finally {
      if (this.#steps.delete(step)) this.#listener.onChange();
    }
  }
}

/** How far something is, in words: `copying: 1234 of 5000 (24.7 %)`. */
export function wordsOf({ text, done, total }: Progress): string {
  if (total === null || total === 0) return `${text}: ${done} done`;
  return `${text}: ${((100 * done) / total).toFixed(1)} % of ${total} done`;
}
