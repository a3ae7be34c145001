import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Job } from '../../lib/model/job.ts';
import { LargeJobs } from '../../lib/store/large-jobs.ts';
import type { Store } from '../../lib/store/store.ts';
import { aJob, anOp, StoreFixture } from './fixture.ts';

const long = (letter: string) => ({
  OP_ID: 'OP_TEST_DELAY',
  text: letter.repeat(300_000),
  more: [1n << 70n],
});

describe('large jobs', () => {
  let fixture: StoreFixture;
  let store: Store;
  before(async () => {
    fixture = await StoreFixture.make();
    store = await fixture.open();
    const ended = { status: 'success' as const, end: 1 };
    const jobs = [
      aJob(1, [anOp(long('a')), anOp(long('b'))], ended),
      aJob(2, [anOp({ OP_ID: 'OP_TEST_DELAY' })], ended),
      aJob(3, [anOp(long('c'))]),
      aJob(4, [anOp(long('d'))]),
      aJob(100, [anOp(long('e')), anOp(long('f'))]),
    ];
    await store.commit({ job: null }, () =>
      jobs.map((job) => ({ change: 'job-add', job, secrets: new Map() }) as const),
    );
  });
  after(async () => {
    await store.close();
    await fixture.close();
  });

  it('are read as others are', async () => {
    const [first, last] = [await store.jobs.get(1), await store.jobs.get(100)];
    assert.deepEqual(
      first?.ops.map(({ input }) => input),
      [long('a'), long('b')],
    );
    assert.deepEqual(
      last?.ops.map(({ input }) => input),
      [long('e'), long('f')],
    );
    const listed: number[] = [];
    for await (const { id, ops } of store.jobs.all()) {
      listed.push(id);
      assert.ok(ops.length > 0);
    }
    assert.deepEqual(listed, [1, 2, 3, 4, 100]);
  });

  it('are shared by those who read one at once', async () => {
    const jobs = await Promise.all(Array.from({ length: 50 }, () => store.jobs.get(100)));
    assert.ok(
      new Set(jobs.map((job) => job?.ops)).size < 10,
      'one read for those before it begins, one for the next',
    );
  });

  it('tell that they were archived', async () => {
    const seen = await store.jobs.get(1);
    await store.commit({ job: null }, () => [
      { change: 'job-set', job: 1, status: 'success', start: 0, end: 1 },
      { change: 'job-archive', job: 1 },
    ]);
    assert.equal(seen?.archived, false);
    assert.equal((await store.jobs.get(1))?.archived, true);
  });

  it('are read one at a time, an unended one anew for whoever comes while it is read', async () => {
    const log: string[] = [];
    const reader = new LargeJobs(async (id) => {
      log.push(`begin ${id}`);
      await new Promise(setImmediate);
      log.push(`end ${id}`);
      if (id === 9) throw new Error('no such luck');
      return { id, status: 'running' } as Job;
    });
    const [a, b, c] = [reader.get(1), reader.get(1), reader.get(2)];
    const failing = assert.rejects(reader.get(9), /no such luck/);
    while (log.length === 0) await new Promise(setImmediate);
    const later = reader.get(1);
    await Promise.all([a, b, c, later, failing]);
    const ids = [1, 2, 9, 1];
    assert.deepEqual(
      log,
      ids.flatMap((id) => [`begin ${id}`, `end ${id}`]),
    );
    assert.equal(await a, await b);
    assert.notEqual(await a, await later);
  });
});
