import type { Clock } from '../base/clock.ts';
import type { JobProgress } from '../model/job.ts';
import type { Progress, Tell } from '../model/progress.ts';

/** How often the progress of a step is written to the job's log, in milliseconds; the first time after this long. */
const LOG_PAUSE = 30_000;

/** Called by StepProgress. */
interface Listener {
  /** `current` may have changed. */
  onChange(): void;
  /** Adds a line to the job's log, and writes it. */
  log(text: string): void;
}

/** The progress of an opcode's steps. It is in memory only, since no job is resumed from it; the job's log gets a line now and then. */
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

  /** The progress of the steps under way that have reported any, in the order of their first reports. */
  get current(): readonly JobProgress[] {
    return [...this.#steps.values()];
  }

  /** Runs a step with a function by which it may report its progress. */
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

/** Progress as text: `copying: 24.7 % of 5000 done`, without a total `copying: 1234 done`. */
export function wordsOf({ text, done, total }: Progress): string {
  if (total === null || total === 0) return `${text}: ${done} done`;
  return `${text}: ${((100 * done) / total).toFixed(1)} % of ${total} done`;
}
