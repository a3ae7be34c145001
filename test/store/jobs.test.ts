import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { Job, JobStatus } from '../../lib/model/job.ts';
import { type Change, put } from '../../lib/store/changes.ts';
import { JOB_FORMAT, JOURNAL_FORMAT } from '../../lib/store/formats.ts';
import type { StoredJob } from '../../lib/store/jobs.ts';
import type { Store } from '../../lib/store/store.ts';
import { aGroup } from '../helpers/view.ts';
import { aJob, anOp, StoreFixture } from './fixture.ts';

const input = { OP_ID: 'OP_TEST_DELAY', duration: 0, reason: [['test', 'why', 1_721_000_000_123_456_789n]] };

const add = (job: Job, secrets: [number, string][] = []): Change => ({
  change: 'job-add',
  job,
  secrets: new Map(secrets),
});
const set = (
  job: number,
  status: JobStatus,
  start: number | null = null,
  end: number | null = null,
): Change => ({
  change: 'job-set',
  job,
  status,
  start,
  end,
});

/** Writes the record that an opcode has ended well, or is in another state. */
function setOp(job: number, op: number, patch: Partial<ReturnType<typeof anOp>>): Change {
  const { input: _input, log: _log, ...state } = anOp(input, patch);
  return { change: 'op-set', job, op, state };
}

describe('jobs on disk', () => {
  let fixture: StoreFixture;
  let store: Store;
  before(async () => {
    fixture = await StoreFixture.make();
    store = await fixture.open();
  });
  after(() => fixture.close());
  const commit = (...changes: Change[]) => store.commit({ job: null }, () => changes);
  const reopen = async () => {
    await store.close();
    store = await fixture.open();
  };

  it('are none in a new store', async () => {
    assert.deepEqual(await store.jobs.ids(), []);
    assert.equal(await store.jobs.lastId(), 0);
    assert.equal(await store.jobs.get(1), null);
    assert.deepEqual(await unfinished(), []);
    for await (const job of store.jobs.all()) assert.fail(`there is job ${job.id}`);
  });

  it('are read as they were written, numbers beyond 2^53 to the last digit, also when the store is opened again', async () => {
    const first = aJob(1, [anOp(input), anOp({ OP_ID: 'OP_X', text: 'ä"\n\0' })], { priority: -10 });
    await commit(add(first));
    assert.deepEqual(await store.jobs.get(1), first);
    const result = { exact: 12_345_678_901_234_567_890n, float: 0.1, list: [null, true] };
    const log = [1, 2, 3].map((serial) => ({
      serial,
      time: 1.25 * serial,
      type: 'message',
      text: `line ${serial}`,
    }));
    const failure = { code: 'wrong_state' as const, message: 'no' };
    const [one, two, three] = log as [(typeof log)[0], (typeof log)[0], (typeof log)[0]];
    await commit(
      set(1, 'error', 3.5, 9.25),
      setOp(1, 0, { status: 'success', result, resolved: { a: null }, start: 3.5, exec: 4, end: 5 }),
      setOp(1, 1, { status: 'error', failure, end: 9.25 }),
      { change: 'log-add', job: 1, op: 0, entry: one },
      { change: 'log-add', job: 1, op: 1, entry: three },
      { change: 'log-add', job: 1, op: 0, entry: two },
    );
    const wanted = aJob(
      1,
      [
        anOp(input, {
          ...{ status: 'success', result, resolved: { a: null }, start: 3.5, exec: 4, end: 5 },
          log: [one, two],
        }),
        anOp({ OP_ID: 'OP_X', text: 'ä"\n\0' }, { status: 'error', failure, end: 9.25, log: [three] }),
      ],
      { priority: -10, status: 'error', start: 3.5, end: 9.25 },
    );
    assert.deepEqual(await store.jobs.get(1), wanted);
    await reopen();
    assert.deepEqual(await store.jobs.get(1), wanted);
    assert.deepEqual(await unfinished(), []);
  });

  async function unfinished(portion?: number): Promise<StoredJob[]> {
    const found: StoredJob[] = [];
    for await (const job of store.jobs.unfinished(portion)) found.push(job);
    return found;
  }

  it('that have not ended come with steps, locks, undo and secrets until they end', async () => {
    await commit(add(aJob(2, [anOp(input), anOp(input)]), [[1, 'sealed']]), add(aJob(3, [anOp(input)])));
    const locks = [{ level: 'instance' as const, name: 'web', mode: 'exclusive' as const }];
    const failure = { code: 'hypervisor' as const, message: 'no' };
    await commit(
      { change: 'op-hold', job: 2, op: 0, locks, unit: 1 },
      { change: 'op-undo', job: 2, op: 0, failure },
      { change: 'step-begin', job: 2, op: 0, name: 'a' },
      { change: 'step-begin', job: 2, op: 0, name: 'b' },
      { change: 'step-begin', job: 2, op: 0, name: 'c' },
      { change: 'step-end', job: 2, op: 0, name: 'b', seq: 2, end: { outcome: { n: 1n << 60n } } },
      { change: 'step-end', job: 2, op: 0, name: 'a', seq: 1, end: { failure } },
      { change: 'step-end', job: 2, op: 1, name: 'a', seq: 3, end: { outcome: null } },
      { change: 'step-begin', job: 2, op: 0, name: 'b' }, // once more, after a crash: the outcome stays
    );
    await reopen();
    const [second, third, ...others] = await unfinished();
    assert.deepEqual(await unfinished(1), [second, third], 'a page at a time');
    assert.deepEqual(others, []);
    assert.deepEqual(second, {
      job: aJob(2, [anOp(input), anOp(input)]),
      steps: [
        { op: 0, name: 'c', seq: null, end: null },
        { op: 0, name: 'a', seq: 1, end: { failure } },
        { op: 0, name: 'b', seq: 2, end: { outcome: { n: 1n << 60n } } },
        { op: 1, name: 'a', seq: 3, end: { outcome: null } },
      ],
      locks: new Map([[0, locks]]),
      undo: new Map([[0, failure]]),
      secrets: new Map([[1, 'sealed']]),
      units: new Map([[0, 1]]),
      format: JOB_FORMAT,
      journals: new Map([[0, JOURNAL_FORMAT]]),
    });
    assert.equal(third?.job.id, 3);
    await commit(set(2, 'success', 1, 2), { change: 'job-clean', job: 2 });
    assert.deepEqual(
      (await unfinished()).map(({ job }) => job.id),
      [3],
    );
    for (const table of ['job_steps', 'job_secrets', 'job_ops WHERE locks IS NOT NULL OR undo IS NOT NULL'])
      assert.deepEqual(fixture.rows(`SELECT * FROM ${table}`), [], `left in ${table}`);
    assert.equal((await store.jobs.get(2))?.status, 'success');
  });

  it('have ids that are never given again', async () => {
    await commit(
      add(aJob(40, [anOp(input)], { status: 'success' })),
      add(aJob(30, [anOp(input)], { status: 'success' })),
    );
    assert.equal(await store.jobs.lastId(), 40);
    await reopen();
    assert.equal(await store.jobs.lastId(), 40);
    assert.deepEqual(await store.jobs.ids(), [1, 2, 3, 30, 40]);
  });

  it('are listed in portions, each once and in the order of their ids, without archived ones', async () => {
    const database = new Database(fixture.file);
    database.exec('UPDATE jobs SET archived = 1 WHERE id IN (2, 30)');
    database.close();
    for (const portion of [1, 2, 3, 500]) {
      const ids: number[] = [];
      for await (const job of store.jobs.all(portion)) ids.push(job.id);
      assert.deepEqual(ids, [1, 3, 40], `in portions of ${portion}`);
    }
    assert.deepEqual(await store.jobs.ids(), [1, 3, 40]);
    assert.equal((await store.jobs.get(30))?.archived, true, 'an archived job is found by its id');
  });

  it('are read whole, never half of a commit, and never before the view shows what was committed with them', async () => {
    await commit(add(aJob(50, [anOp(input)])));
    let isOver = false;
    let reads = 0;
    const writing = (async () => {
      for (let round = 1; round <= 60; round++) {
        const status = round % 2 === 0 ? 'waiting' : 'running';
        const entry = { serial: round, time: round, type: 'message', text: 'x' };
        await commit(
          set(50, status, round),
          setOp(50, 0, { status, start: round }),
          { change: 'log-add', job: 50, op: 0, entry },
          put('nodegroup', aGroup({ serial_no: round })),
        );
      }
      isOver = true;
    })();
    while (!isOver) {
      const job = await store.jobs.get(50);
      const shown = store.view.groups.named('default')?.serial_no ?? 0;
      assert.ok(job);
      const [op] = job.ops;
      reads += 1;
      if (job.status === 'queued') continue;
      assert.deepEqual(
        [op?.status, op?.start, op?.log.length],
        [job.status, job.start, job.start],
        'read from one state of the store',
      );
      assert.ok(shown >= Number(job.start), `the job tells of ${job.start}, the view is at ${shown}`);
    }
    await writing;
    assert.ok(reads > 0);
  });
});
