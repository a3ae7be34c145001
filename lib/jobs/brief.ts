// Limits for jobs that only read. Anybody may submit these, anonymous users included, so they must cost the others nothing: they take
// no locks and no slots of other jobs, make no events, and lib/jobs/history.ts deletes them soon after their end.
import { type Bounds, Budget } from '../base/budget.ts';
import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';

/** How many read-only jobs may be unfinished at once, and how many may be submitted in a minute. */
export interface BriefLimits {
  readonly atOnce: Bounds;
  readonly perMinute: Bounds;
}

export const briefLimits: BriefLimits = {
  atOnce: { each: 20, all: 100 },
  perMinute: { each: 1200, all: 3000 },
};

/** How many read-only jobs run at once. They have their own slots, apart from the cluster's max_running_jobs. */
export const BRIEF_SLOTS = 8;

/** Counts the read-only jobs of each user and of all users together, and refuses what exceeds the limits. */
export class BriefJobs {
  readonly #clock: Clock;
  readonly #limits: BriefLimits;
  readonly #atOnce: Budget;
  /** The unfinished ones by job number, with the user who submitted them. */
  readonly #underWay = new Map<number, string | null>();
  #perMinute: Budget;
  #minute = 0;

  constructor(clock: Clock, limits: BriefLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#atOnce = new Budget(limits.atOnce);
    this.#perMinute = new Budget(limits.perMinute);
  }

  /**
   * Submits one more job of a user; null is the anonymous user. `submit` calls `onStored` once the job has a number and is stored.
   * @throws MerapiError unavailable when a limit is reached; and what submit() throws
   */
  async submit(
    user: string | null,
    submit: (onStored: (id: number) => void) => Promise<number>,
  ): Promise<number> {
    this.#enter(user);
    try {
      return await submit((id) => this.#underWay.set(id, user));
    } catch (error) {
      this.#atOnce.giveBack(user, 1);
      throw error;
    }
  }

  /** To be called when a job has ended, or when the queue drops it because the store failed. Other jobs are ignored. */
  ended(id: number): void {
    const user = this.#underWay.get(id);
    if (user === undefined) return;
    this.#underWay.delete(id);
    this.#atOnce.giveBack(user, 1);
  }

  #enter(user: string | null): void {
    const minute = Math.floor(this.#clock.seconds() / 60);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#perMinute = new Budget(this.#limits.perMinute);
    }
    const now = this.#atOnce.take(user, 1);
    if (now !== 'taken')
      throw tooMany(now, `have at most ${this.#limits.atOnce[now]} unfinished`, 'when one has ended');
    const made = this.#perMinute.take(user, 1);
    if (made === 'taken') return;
    this.#atOnce.giveBack(user, 1);
    throw tooMany(made, `submit at most ${this.#limits.perMinute[made]} in a minute`, 'later');
  }
}

function tooMany(whose: 'each' | 'all', limit: string, when: string): MerapiError {
  const who = whose === 'each' ? 'One user' : 'All users together';
  return new MerapiError('unavailable', `${who} may ${limit} of the jobs that only read; try again ${when}`);
}
