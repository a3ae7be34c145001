import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal } from '../model/job.ts';
import type { Store } from '../store/define.ts';

/** How many events are kept, and for how many seconds. */
const EVENTS_KEPT = 200_000;
const EVENT_AGE = 30 * 86_400;
/** For how many seconds the key of a request counts at least. */
const KEY_AGE = 86_400;

/** For how many seconds after their end jobs that only read are kept: each so long at least, and at most; and how many in all. */
const BRIEF_LEAST = 60;
const BRIEF_AGE = 600;
const BRIEF_KEPT = 1000;
/** So many of the newest events, and the keys of so many of the newest jobs, are kept whatever the clock says: it may have jumped. */
const ALWAYS_KEPT = 1000;
/** A job that ended more than so many seconds from now ended when the clock was wrong. */
const AHEAD = 86_400;

/** How many jobs are archived in one transaction. */
const PORTION = 1000;

type PastStore = Pick<Store, 'commit' | 'jobs' | 'events'>;

/** What is kept of the past. */
export class History {
  readonly #store: PastStore;
  readonly #clock: Clock;

  constructor(store: PastStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Archives a job that has ended: it is listed no more. @throws MerapiError not_found, wrong_state */
  async archive(id: number): Promise<void> {
    const job = await this.#store.jobs.get(id);
    if (!job) throw new MerapiError('not_found', `There is no job ${id}`);
    if (!isFinal(job.status))
      throw new MerapiError('wrong_state', `Job ${id} has not ended, so it cannot be archived`);
    await this.#store.commit({ job: null }, () => [{ change: 'job-archive', job: id }]);
  }

  /** Archives all jobs that ended at least so many seconds ago, or when the clock was far ahead; answers how many. */
  async archiveOlder(age: number): Promise<number> {
    const store = this.#store;
    const now = this.#clock.seconds();
    const [before, after] = [now - age, now + AHEAD];
    for (let count = 0; ; ) {
      const next = await store.jobs.archivable(before, after, PORTION);
      if (next === 0) return count;
      await store.commit({ job: null }, () => [{ change: 'jobs-archive', before, after, limit: next }]);
      count += next;
    }
  }

  /** Forgets jobs that only read, soon after their end. */
  async forgetBrief(): Promise<void> {
    const now = this.#clock.seconds();
    const times = { before: now - BRIEF_AGE, crowded: now - BRIEF_LEAST };
    await this.#store.commit({ job: null }, () => [{ change: 'jobs-forget', ...times, most: BRIEF_KEPT }]);
  }

  /** Forgets events that are old or too many, and old keys of archived jobs. */
  async forget(): Promise<void> {
    const store = this.#store;
    const now = this.#clock.seconds();
    const upTo = Math.max(0, store.events.last - EVENTS_KEPT);
    const aged = { before: now - EVENT_AGE, upTo: store.events.last - ALWAYS_KEPT };
    const keys = { before: now - KEY_AGE, upTo: (await store.jobs.lastId()) - ALWAYS_KEPT };
    await store.commit({ job: null }, () => [
      { change: 'events-forget', upTo, aged },
      { change: 'keys-forget', ...keys },
    ]);
  }
}
