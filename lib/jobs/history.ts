// How long finished jobs, events and keys of requests are kept. Wall clocks jump: so the newest ones are kept whatever their age, and
// a job that "ended" far in the future counts as old.
import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal } from '../model/job.ts';
import type { Store } from '../store/define.ts';

/** How many events are kept, and for how many seconds. */
const EVENTS_KEPT = 200_000;
const EVENT_AGE = 30 * 86_400;
/** For how many seconds the idempotency key of a request is kept at least. */
const KEY_AGE = 86_400;

/**
 * How long read-only jobs are kept after their end, in seconds: at least BRIEF_LEAST and at most BRIEF_AGE; in between only the newest
 * BRIEF_KEPT are.
 */
const BRIEF_LEAST = 60;
const BRIEF_AGE = 600;
const BRIEF_KEPT = 1000;
/** How many of the newest events, and of the keys of the newest jobs, are kept whatever their age: the clock may have jumped. */
const ALWAYS_KEPT = 1000;
/** A job whose end is more than this many seconds in the future ended when the clock was wrong. */
const AHEAD = 86_400;

/** How many jobs are archived in one transaction. */
const PORTION = 1000;

type PastStore = Pick<Store, 'commit' | 'jobs' | 'events'>;

/** Archives and deletes what is old. */
export class History {
  readonly #store: PastStore;
  readonly #clock: Clock;

  constructor(store: PastStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Archives a job that has ended, so that lists leave it out. @throws MerapiError not_found, wrong_state */
  async archive(id: number): Promise<void> {
    const job = await this.#store.jobs.get(id);
    if (!job) throw new MerapiError('not_found', `There is no job ${id}`);
    if (!isFinal(job.status))
      throw new MerapiError('wrong_state', `Job ${id} cannot be archived before it has ended`);
    await this.#store.commit({ job: null }, () => [{ change: 'job-archive', job: id }]);
  }

  /** Archives all jobs that ended at least `age` seconds ago, or when the clock was far ahead; returns how many. */
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

  /** Deletes old read-only jobs. */
  async forgetBrief(): Promise<void> {
    const now = this.#clock.seconds();
    const times = { before: now - BRIEF_AGE, crowded: now - BRIEF_LEAST };
    await this.#store.commit({ job: null }, () => [{ change: 'jobs-forget', ...times, most: BRIEF_KEPT }]);
  }

  /** Deletes events that are old or too many, and old keys of archived jobs. */
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
