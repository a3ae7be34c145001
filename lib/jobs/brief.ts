import { type Bounds, Budget } from '../base/budget.ts';
import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';

/** How many jobs that only read may be under way at once, and how many may be made in a minute. */
export interface BriefLimits {
  readonly atOnce: Bounds;
  readonly perMinute: Bounds;
}

export const briefLimits: BriefLimits = {
  atOnce: { each: 20, all: 100 },
  perMinute: { each: 1200, all: 3000 },
};

/** How many jobs that only read run at once. They take no place of other jobs. */
export const BRIEF_SLOTS = 8;

/**
 * Jobs that only read, such as what anonymous users may ask for. They change nothing, hold no locks, are told in no events, run beside
 * other jobs, and are forgotten soon after their end: so however many somebody asks for, nobody else is held up, and nothing stays.
 */
export class BriefJobs {
  readonly #clock: Clock;
  readonly #limits: BriefLimits;
  readonly #atOnce: Budget;
  /** Those that have not ended, with who asked for them. */
  readonly #underWay = new Map<number, string | null>();
  #perMinute: Budget;
  #minute = 0;

  constructor(clock: Clock, limits: BriefLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#atOnce = new Budget(limits.atOnce);
    this.#perMinute = new Budget(limits.perMinute);
  }

  /** Lets a user submit one more. @throws MerapiError unavailable when there are as many as there may be; and what submit() throws */
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

  /** A job has ended, or is not run in this life of the queue any more. */
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
      throw tooMany(now, `${this.#limits.atOnce[now]} may be under way; ask again when one has ended`);
    const made = this.#perMinute.take(user, 1);
    if (made === 'taken') return;
    this.#atOnce.giveBack(user, 1);
    throw tooMany(made, `${this.#limits.perMinute[made]} may be made in a minute; ask again in the next`);
  }
}

function tooMany(whose: 'each' | 'all', what: string): MerapiError {
  const who = whose === 'each' ? 'one user' : 'all users together';
  return new MerapiError('unavailable', `Of the jobs of ${who} that only read, as this one, ${what}`);
}
