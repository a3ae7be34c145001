import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal } from '../model/job.ts';
import type { Store } from '../store/store.ts';

/** How many events are kept, and for how many seconds. */
const EVENTS_KEPT = 200_000;
const EVENT_AGE = 30 * 86_400;
/** For how many seconds the key of a request counts at least. */
const KEY_AGE = 86_400;

/** For how many seconds after their end jobs that only read are kept: each so long at least, and at most; and how many in all. */
const BRIEF_LEAST = 60;
const BRIEF_AGE = 600;
const BRIEF_KEPT = 1000;

/** How many jobs are archived in one transaction. */
const PORTION = 1000;

/** What is kept of the past. */
export class History {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
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

  /** Archives all jobs that ended at least so many seconds ago; answers how many. */
  async archiveOlder(age: number): Promise<number> {
    const store = this.#store;
    const before = this.#clock.seconds() - age;
    for (let count = 0; ; ) {
      const next = await store.jobs.archivable(before, PORTION);
      if (next === 0) return count;
      await store.commit({ job: null }, () => [{ change: 'jobs-archive', before, limit: next }]);
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
    await store.commit({ job: null }, () => [
      { change: 'events-forget', before: now - EVENT_AGE, upTo },
      { change: 'keys-forget', before: now - KEY_AGE },
    ]);
  }
}
