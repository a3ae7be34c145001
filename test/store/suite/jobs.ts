import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stringifyJson } from '../../../lib/base/json.ts';
import type { JobOp, JobStatus } from '../../../lib/model/job.ts';
import { type Change, put } from '../../../lib/store/changes.ts';
import { JOB_FORMAT, JOURNAL_FORMAT } from '../../../lib/store/formats.ts';
import type { StoredJob } from '../../../lib/store/stored-job.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { aGroup } from '../../helpers/view.ts';
import { all, commit, inStore, type MakeStore } from './define.ts';

const input = { OP_ID: 'OP_TEST_DELAY', duration: 0, reason: [['test', 'why', 1_721_000_000_123_456_789n]] };

const add = (
  id: number,
  ops: readonly JobOp[] = [anOp(input)],
  secrets: readonly (readonly [op: number, sealed: string])[] = [],
  status: JobStatus = 'queued',
): Change => ({ change: 'job-add', job: aJob(id, ops, { status }), secrets: new Map(secrets) });

const set = (
  job: number,
  status: JobStatus,
  start: number | null = null,
  end: number | null = null,
): Change => ({ change: 'job-set', job, status, start, end });

/** Writes the state of an opcode. */
function setOp(job: number, op: number, patch: Partial<JobOp>): Change {
  const { input: _input, log: _log, ...state } = anOp(input, patch);
  return { change: 'op-set', job, op, state };
}

const message = (serial: number, text: string) => ({ serial, time: 1.25 * serial, type: 'message', text });

const locks = [{ level: 'instance' as const, name: 'locked-name', mode: 'exclusive' as const }];
const failure = { code: 'hypervisor' as const, message: 'failure-text' };

/** A job with its steps in a fixed order, for what is compared. */
const ordered = (job: StoredJob | undefined) =>
  job && { ...job, steps: [...job.steps].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0)) };

/** Jobs: what is stored of them, what is read, and what goes when they end. */
export function jobTests(make: MakeStore): void {
  it('are none in a new store', () =>
    inStore(make, async ({ jobs }) => {
      assert.deepEqual(await jobs.ids(), []);
      assert.equal(await jobs.lastId(), 0);
      assert.equal(await jobs.get(1), null);
      assert.deepEqual(await jobs.between(0, 100), []);
      assert.deepEqual(await all(jobs.all()), []);
      assert.deepEqual(await all(jobs.unfinished()), []);
      assert.equal(await jobs.archivable(1e12, 0, 10), 0);
    }));

  it('are read as they were written, numbers to the last digit, also by the next owner', () =>
    inStore(make, async (store, subject) => {
      const ops = [anOp(input), anOp({ OP_ID: 'OP_X', text: 'ä"\n\0' })];
      await commit(store, { change: 'job-add', job: aJob(1, ops, { priority: -10 }), secrets: new Map() });
      assert.deepEqual(await store.jobs.get(1), aJob(1, ops, { priority: -10 }));
      const result = { exact: 12_345_678_901_234_567_890n, float: 0.1, list: [null, true] };
      const done = { status: 'success', result, resolved: { a: null }, start: 3.5, exec: 4, end: 5 } as const;
      const failed = { status: 'error', failure, end: 9.25 } as const;
      await commit(
        store,
        ...[set(1, 'error', 3.5, 9.25), setOp(1, 0, done), setOp(1, 1, failed)],
        { change: 'log-add', job: 1, op: 0, entry: message(1, 'one') },
        { change: 'log-add', job: 1, op: 1, entry: message(3, 'three') },
        { change: 'log-add', job: 1, op: 0, entry: message(2, 'two') },
      );
      const wanted = aJob(
        1,
        [
          { ...(ops[0] as JobOp), ...done, log: [message(1, 'one'), message(2, 'two')] },
          { ...(ops[1] as JobOp), ...failed, log: [message(3, 'three')] },
        ],
        { priority: -10, status: 'error', start: 3.5, end: 9.25 },
      );
      for (const { jobs } of [store, await subject.open()]) {
        assert.deepEqual(await jobs.get(1), wanted);
        assert.deepEqual(await jobs.between(1, 1), [wanted]);
        assert.deepEqual(await all(jobs.all()), [wanted]);
        assert.deepEqual(await all(jobs.unfinished()), []);
      }
    }));

  it('are read as others when they are large', () =>
    inStore(make, async (store) => {
      const long = (letter: string) => ({ OP_ID: 'OP_X', text: letter.repeat(300_000), more: [1n << 70n] });
      const jobs = [
        aJob(1, [anOp(long('a')), anOp(long('b'))]),
        ...[2, 3].map((id) => aJob(id, [anOp(input)])),
        aJob(4, [anOp(long('c')), anOp(long('d'))]),
      ];
      await commit(store, ...jobs.map((job) => ({ change: 'job-add', job, secrets: new Map() }) as const));
      assert.deepEqual(await store.jobs.get(1), jobs[0]);
      assert.deepEqual(await all(store.jobs.all()), jobs);
      assert.deepEqual(await store.jobs.between(1, 4), jobs);
      await commit(store, set(1, 'success', 0, 1));
      const ended = await store.jobs.get(1);
      assert.deepEqual([ended?.status, ended?.archived], ['success', false]);
      await commit(store, { change: 'job-archive', job: 1 });
      assert.deepEqual(await store.jobs.get(1), { ...ended, archived: true });
    }));

  it('that have not ended come with steps, holds, undo and secrets', () =>
    inStore(make, async (store, subject) => {
      await commit(store, add(2, [anOp(input), anOp(input)], [[1, 'sealed']]), add(3), add(4));
      await commit(
        store,
        { change: 'op-hold', job: 2, op: 0, locks, unit: 4 },
        { change: 'op-undo', job: 2, op: 0, failure },
        ...['a', 'b', 'c'].map((name) => ({ change: 'step-begin', job: 2, op: 0, name }) as const),
        { change: 'step-end', job: 2, op: 0, name: 'b', seq: 2, end: { outcome: { n: 1n << 60n } } },
        { change: 'step-end', job: 2, op: 0, name: 'a', seq: 1, end: { failure } },
        { change: 'step-end', job: 2, op: 1, name: 'a', seq: 3, end: { outcome: null } },
        { change: 'step-begin', job: 2, op: 0, name: 'b' }, // once more, after a crash: the outcome stays
        set(4, 'success', 1, 2),
      );
      const next = await subject.open();
      const [second, third, ...others] = await all(next.jobs.unfinished());
      assert.deepEqual(await all(next.jobs.unfinished(1)), [second, third], 'one at a time');
      assert.deepEqual(others, []);
      assert.deepEqual(ordered(second), {
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
        units: new Map([[0, 4]]),
        format: JOB_FORMAT,
        journals: new Map([[0, JOURNAL_FORMAT]]),
      });
      assert.deepEqual(third, {
        ...{ job: aJob(3, [anOp(input)]), steps: [], locks: new Map(), undo: new Map(), secrets: new Map() },
        ...{ units: new Map(), format: JOB_FORMAT, journals: new Map() },
      });
    }));

  it('lose steps, holds, undo and secrets with their end, and keep the rest', () =>
    inStore(make, async (store, subject) => {
      const traces = ['sealed-text', 'step-name', 'outcome-text', 'locked-name', 'failure-text'];
      await commit(
        store,
        ...[add(1, [anOp(input)], [[0, 'sealed-text']]), add(2, [anOp(input)], [[0, 'other-sealed']])],
        { change: 'op-hold', job: 1, op: 0, locks, unit: 1 },
        { change: 'op-undo', job: 1, op: 0, failure },
        { change: 'step-begin', job: 1, op: 0, name: 'step-name' },
        { change: 'step-end', job: 1, op: 0, name: 'b', seq: 1, end: { outcome: 'outcome-text' } },
        { change: 'log-add', job: 1, op: 0, entry: message(1, 'kept-line') },
      );
      for (const text of traces) assert.ok(await subject.contains(text), `${text} is stored`);
      await commit(store, set(1, 'canceled', 1, 2), { change: 'job-clean', job: 1 });
      for (const text of traces) assert.equal(await subject.contains(text), false, `${text} is gone`);
      const job = await store.jobs.get(1);
      assert.deepEqual([job?.status, job?.ops[0]?.log], ['canceled', [message(1, 'kept-line')]]);
      const [left, ...others] = await all(store.jobs.unfinished());
      assert.deepEqual([left?.job.id, left?.secrets, others], [2, new Map([[0, 'other-sealed']]), []]);
    }));

  it('show secrets only to those who take them up again', () =>
    inStore(make, async (store) => {
      await commit(store, add(1, [anOp(input), anOp(input)], [[1, 'sealed-text']]), set(1, 'running', 1));
      const { jobs, events } = store;
      const shown = [
        await jobs.get(1),
        await jobs.between(1, 1),
        await all(jobs.all()),
        await events.after(0, 9),
      ];
      assert.doesNotMatch(stringifyJson(shown), /sealed-text/);
      assert.deepEqual((await all(jobs.unfinished()))[0]?.secrets, new Map([[1, 'sealed-text']]));
    }));

  it('are canceling until they end, and stay as they are after that', () =>
    inStore(make, async (store) => {
      await commit(store, add(1), add(2), set(2, 'success', 1, 2));
      await commit(store, ...[1, 2].map((job) => ({ change: 'job-cancel', job }) as const));
      assert.equal((await store.jobs.get(1))?.status, 'canceling');
      assert.equal((await all(store.jobs.unfinished()))[0]?.job.status, 'canceling');
      assert.equal((await store.jobs.get(2))?.status, 'success');
    }));

  it('are listed in portions, each once and in the order of their ids, without archived ones', () =>
    inStore(make, async (store) => {
      const ids = [1, 2, 3, 30, 31, 40, 41, 42, 100];
      await commit(store, ...[...ids].reverse().map((id) => add(id, undefined, [], 'success')));
      await commit(store, ...[2, 30, 41].map((job) => ({ change: 'job-archive', job }) as const));
      const listed = [1, 3, 31, 40, 42, 100];
      for (const portion of [1, 2, 3, 500]) {
        const jobs = await all(store.jobs.all(portion));
        assert.deepEqual(
          jobs.map(({ id }) => id),
          listed,
          `in portions of ${portion}`,
        );
        assert.deepEqual(await store.jobs.ids(portion), listed);
      }
      assert.deepEqual(
        (await store.jobs.between(2, 31)).map(({ id, archived }) => [id, archived]),
        [
          [2, true],
          [3, false],
          [30, true],
          [31, false],
        ],
      );
      assert.equal(await store.jobs.lastId(), 100);
    }));

  it('are read whole, never half of a commit, and never before the view shows what was committed with them', () =>
    inStore(make, async (store) => {
      await commit(store, add(50));
      let isOver = false;
      const writing = (async () => {
        for (let round = 1; round <= 60; round++) {
          const status = round % 2 === 0 ? 'waiting' : 'running';
          await commit(
            store,
            ...[set(50, status, round), setOp(50, 0, { status, start: round })],
            { change: 'log-add', job: 50, op: 0, entry: message(round, 'x') },
            put('nodegroup', aGroup({ serial_no: round })),
          );
        }
      })().finally(() => {
        isOver = true;
      });
      let reads = 0;
      while (!isOver) {
        const job = await store.jobs.get(50);
        const shown = store.view.groups.named('default')?.serial_no ?? 0;
        assert.ok(job);
        const [op] = job.ops;
        if (job.status === 'queued') continue;
        reads += 1;
        assert.deepEqual(
          [op?.status, op?.start, op?.log.length],
          [job.status, job.start, job.start],
          'read from one state of the store',
        );
        assert.ok(shown >= Number(job.start), `the job is at ${job.start}, the view at ${shown}`);
      }
      await writing;
      assert.ok(reads > 0);
    }));
}
