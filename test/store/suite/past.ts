import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Job } from '../../../lib/model/job.ts';
import type { Change } from '../../../lib/store/changes.ts';
import type { JobReader } from '../../../lib/store/define.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { all, commit, inStore, type MakeStore } from './define.ts';

/** What stores a job that has ended at a time, or runs (null). */
function past(id: number, end: number | null, patch: Partial<Job> = {}): Change[] {
  const status = end === null ? 'running' : 'success';
  return [
    { change: 'job-add', job: aJob(id, [anOp({ OP_ID: 'OP_X' })], patch), secrets: new Map() },
    { change: 'job-set', job: id, status, start: 1, end },
    {
      change: 'log-add',
      job: id,
      op: 0,
      entry: { serial: 1, time: 1, type: 'message', text: `line of ${id}` },
    },
  ];
}

const archivedIn = async (jobs: JobReader) =>
  (await jobs.between(0, 1000)).filter(({ archived }) => archived).map(({ id }) => id);

/** Jobs that have ended: how they are archived and forgotten, and the keys of requests with them. */
export function pastTests(make: MakeStore): void {
  it('archives a job that has ended: it is listed no more and can still be read', () =>
    inStore(make, async (store, subject) => {
      await commit(store, ...past(1, 10), ...past(2, null), ...past(3, 30));
      const before = await store.jobs.get(1);
      await commit(store, { change: 'job-archive', job: 1 }, { change: 'job-archive', job: 2 });
      for (const { jobs } of [store, await subject.open()]) {
        assert.deepEqual(await jobs.ids(), [2, 3], 'one that runs is not archived');
        assert.deepEqual(
          (await all(jobs.all())).map(({ id }) => id),
          [2, 3],
        );
        assert.deepEqual(await jobs.get(1), { ...before, archived: true });
        assert.deepEqual(await archivedIn(jobs), [1]);
        assert.equal(await jobs.lastId(), 3);
      }
    }));

  it('archives by the time of the end, the oldest first and so many at most, and counts those', () =>
    inStore(make, async (store) => {
      const { jobs } = store;
      await commit(store, ...past(1, 30), ...past(2, 20), ...past(3, null), ...past(4, 10), ...past(5, 100));
      const [before, after] = [25, 90];
      assert.equal(await jobs.archivable(before, after, 10), 3);
      assert.equal(await jobs.archivable(before, after, 2), 2, 'counted up to the limit');
      await commit(store, { change: 'jobs-archive', before, after, limit: 1 });
      assert.deepEqual(await archivedIn(jobs), [4]);
      await commit(store, { change: 'jobs-archive', before, after, limit: 10 });
      assert.deepEqual(await archivedIn(jobs), [2, 4, 5]);
      assert.equal(await jobs.archivable(before, after, 10), 0);
      assert.deepEqual(await jobs.ids(), [1, 3]);
    }));

  it('forgets jobs that only read, by the time of their end and by their number, and no other', () =>
    inStore(make, async (store, subject) => {
      const brief = { brief: true };
      const ends = [10, 20, 30, 40, 50, 60];
      await commit(
        store,
        ...ends.flatMap((end, index) => past(index + 1, end, brief)),
        ...[...past(7, null, brief), ...past(8, 10)],
        { change: 'key-add', principal: 'alice', key: 'k', fingerprint: 'p', job: 1, time: 1 },
      );
      assert.equal((await store.jobs.get(1))?.brief, true);
      const forget = (before: number, crowded: number, most: number) =>
        commit(store, { change: 'jobs-forget', before, crowded, most });
      await forget(15, 15, 0);
      assert.deepEqual(await store.jobs.ids(), [2, 3, 4, 5, 6, 7, 8], 'one ended before that time');
      await forget(0, 45, 3);
      assert.deepEqual(await store.jobs.ids(), [4, 5, 6, 7, 8], 'all but the newest three');
      await forget(0, 45, 0);
      assert.deepEqual(await store.jobs.ids(), [5, 6, 7, 8], 'none that ended later');
      assert.equal(await store.jobs.get(1), null);
      assert.equal(await store.jobs.keyed('alice', 'k'), null);
      for (const id of [1, 4]) assert.equal(await subject.contains(`line of ${id}`), false);
      assert.ok(await subject.contains('line of 8'));
      assert.equal(await store.jobs.lastId(), 8);
    }));

  it('never gives the id of the last job up, whatever became of that job', () =>
    inStore(make, async (store, subject) => {
      await commit(store, ...past(40, 10, { brief: true }), ...past(30, 10));
      assert.equal(await store.jobs.lastId(), 40);
      await commit(store, { change: 'jobs-forget', before: 99, crowded: 99, most: 0 });
      const next = await subject.open();
      assert.deepEqual(await next.jobs.ids(), [30]);
      assert.equal(await next.jobs.lastId(), 40);
    }));

  it('knows the key of a request until that is forgotten: after some time, of archived jobs up to a number', () =>
    inStore(make, async (store, subject) => {
      const key = (name: string, job: number, time: number, principal = 'alice') =>
        ({
          change: 'key-add',
          principal,
          key: name,
          fingerprint: `fingerprint of ${job}`,
          job,
          time,
        }) as const;
      await commit(store, ...past(1, 10), ...past(2, 10), ...past(3, 10), ...past(4, 10));
      await commit(store, key('k', 1, 10), key('k', 2, 10, 'bob'), key('late', 3, 50), key('high', 4, 10));
      const next = await subject.open();
      const jobOf = async (principal: string, name: string) =>
        (await next.jobs.keyed(principal, name))?.job ?? null;
      assert.deepEqual(await next.jobs.keyed('alice', 'k'), { fingerprint: 'fingerprint of 1', job: 1 });
      assert.equal(await jobOf('bob', 'k'), 2, 'each sender has keys of its own');
      assert.equal(await jobOf('alice', 'other'), null);
      for (const job of [1, 3, 4]) await commit(next, { change: 'job-archive', job });
      await commit(next, { change: 'keys-forget', before: 20, upTo: 3 });
      assert.equal(await jobOf('alice', 'k'), null);
      assert.equal(await jobOf('bob', 'k'), 2, 'its job is not archived');
      assert.equal(await jobOf('alice', 'late'), 3, 'it is not old enough');
      assert.equal(await jobOf('alice', 'high'), 4, 'its job has a higher number');
    }));
}
