import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Failure, MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { sealOf } from '../../lib/base/seal.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { JobQueue } from '../../lib/jobs/queue.ts';
import type { OpInput } from '../../lib/model/job.ts';
import type { Change, StepOutcome, StoredLock } from '../../lib/store/changes.ts';
import { aJob, anOp } from '../helpers/jobs.ts';
import { onNode1, QueueFixture } from './fixture.ts';

const onNode2: OpInput = { ...onNode1, on_nodes: ['node2.example.com'] };
const onBoth: OpInput = { ...onNode1, on_nodes: ['node1.example.com', 'node2.example.com'] };
/** What almost every job holds. */
const shared: StoredLock[] = [{ level: 'cluster', name: 'BGL', mode: 'shared' }];

/** All parameters of an opcode as a submission stores them. */
const complete = (input: OpInput): OpInput => ({
  ...{ dry_run: null, debug_level: null, priority: 0, depends: null, comment: null, reason: [] },
  ...{ on_master: true, on_nodes: [], on_node_uuids: null, repeat: 0, interruptible: false, no_locks: true },
  ...input,
});

/** A job that an earlier life left: not begun, or with what it held and what its journal tells. */
function left(
  id: number,
  op: OpInput,
  locks: StoredLock[] | null = null,
  journal: Change[] = [],
  unit = 1,
): Change[] {
  const add: Change = { change: 'job-add', job: aJob(id, [anOp(complete(op))]), secrets: new Map() };
  if (!locks) return [add, ...journal];
  const { input: _input, log: _log, ...state } = anOp(op, { status: 'running', start: 1, exec: 1 });
  return [
    add,
    { change: 'job-set', job: id, status: 'running', start: 1, end: null },
    { change: 'op-set', job: id, op: 0, state },
    { change: 'op-hold', job: id, op: 0, locks, unit },
    ...journal,
  ];
}

describe('recovery', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
  });
  after(() => f.close());
  beforeEach(() => {
    f.calls.length = 0;
  });

  it('gives back what was held before anyone else may have it, and keeps the order of those that waited', async () => {
    const first = await f.submit(onNode1);
    await f.heldBy(first);
    const waiting = await f.submit({ ...onNode1, priority: -10 });
    const older = await f.submit(onNode1);
    await f.restart();
    // The one that ran goes on although another one has a better priority.
    const again = await f.heldBy(first);
    assert.equal((await f.queue.get(waiting))?.status, 'waiting');
    const younger = await f.submit(onNode1);
    again.end();
    for (const id of [waiting, older, younger]) {
      (await f.heldBy(id)).end();
      assert.equal((await f.ended(id)).status, 'success');
    }
    assert.equal((await f.ended(first)).status, 'success');
    assert.deepEqual(
      f.calls.map(({ job }) => job),
      [first, first, waiting, older, younger],
    );
  });

  it('shows a job as stored at once, and its beginning is that of its first life', async () => {
    const id = await f.submit(onNode1);
    await f.heldBy(id);
    const before = await f.queue.get(id);
    assert.equal(before?.status, 'running');
    await f.restart();
    (await f.heldBy(id)).end();
    const after = await f.ended(id);
    assert.deepEqual([after.start, after.ops[0]?.exec], [before?.start, before?.ops[0]?.exec]);
  });

  it('takes up jobs that wait for others, and those that nothing kept from running', async () => {
    const first = await f.submit(onNode1);
    await f.heldBy(first);
    const later = await f.submit({ ...onNode2, depends: [[-1, ['success']]] });
    await f.restart();
    assert.equal((await f.queue.get(later))?.status, 'waiting');
    (await f.heldBy(first)).end();
    (await f.heldBy(later)).end();
    assert.equal((await f.ended(later)).status, 'success');
    const next = await f.submit({ ...onNode1, duration: -1 });
    assert.equal(next, later + 1, 'ids go on');
    await f.ended(next);
  });

  it('goes on with the opcode that was under way; those before it are done', async () => {
    const id = await f.submit({ OP_ID: 'OP_GROUP_ADD', group_name: 'red' }, onNode1, {
      OP_ID: 'OP_GROUP_ADD',
      group_name: 'blue',
    });
    await f.heldBy(id);
    await f.restart();
    (await f.heldBy(id)).end();
    const job = await f.ended(id);
    assert.deepEqual(
      job.ops.map((op) => op.status),
      ['success', 'success', 'success'],
    );
    assert.ok(f.store.view.groups.named('blue'));
  });

  it('leaves the locks of a job alone that the store has abandoned in its middle', async () => {
    const id = await f.submit({ ...onNode1, repeat: 1 });
    const call = await f.heldBy(id);
    f.beforeCommit = (job) => {
      if (job === id) throw new MerapiError('unavailable', 'the disk is full');
    };
    const over = new Promise<void>((resolve) => f.queue.subscribe(id, resolve));
    call.end();
    await over;
    const other = await f.submit(onNode1);
    assert.equal(
      (await f.queue.get(other))?.status,
      'waiting',
      'what the first one left half done is not touched',
    );
    await f.restart();
    for (const each of [id, id, other]) (await f.heldBy(each)).end();
    for (const each of [id, other]) assert.equal((await f.ended(each)).status, 'success');
  });

  it('takes no job before it is complete, nor after the end', async () => {
    const ids = await f.store.jobs.ids();
    const parts = { store: f.store, locks: f.locks, runtime: f.runtime, seal: f.seal, nodes: {} as never };
    const queue = new JobQueue({ ...parts, ...systemWorld, log: silentLogger });
    await assert.rejects(queue.submit([onNode1]), {
      code: 'unavailable',
      message: /stored jobs are being read/,
    });
    queue.close();
    await assert.rejects(queue.submit([onNode1]), { code: 'unavailable', message: /stopping/ });
    assert.deepEqual(await f.store.jobs.ids(), ids);
  });
});

describe('recovery of what is in the store', () => {
  const first = { code: 'hypervisor' as const, message: 'the first failure' };
  const second = { code: 'hypervisor' as const, message: 'another one, beside it' };
  const strange = { OP_ID: 'OP_OF_OLD', depends: null };
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
    const [node1, node2] = f.store.view.nodes.list();
    const stepEnd = (job: number, seq: number, name: string, end: StepOutcome): Change => {
      return { change: 'step-end', job, op: 0, name, seq, end };
    };
    const check = (job: number, ...nodes: unknown[]) =>
      stepEnd(job, 1, 'check', { outcome: { nodes } as never });
    const undo = (job: number, failure: Failure): Change => ({ change: 'op-undo', job, op: 0, failure });
    const sealed = sealOf(Buffer.alloc(32, 99)).close('{"osparams_secret":{"a":"b"}}');
    await f.store.commit({ job: null }, () => [
      ...left(1, onBoth, shared, [
        check(1, node1, node2),
        stepEnd(1, 2, '0/node2.example.com', { failure: first }),
        stepEnd(1, 3, '0/node1.example.com', { failure: second }),
        undo(1, first),
      ]),
      ...left(2, onNode1, shared, [
        check(2, node1),
        stepEnd(2, 2, '0/node1.example.com', { outcome: {} }),
        undo(2, first),
      ]),
      ...left(3, onNode1, shared, [stepEnd(3, 1, 'of/old', { outcome: 1 })]),
      ...left(4, strange),
      ...left(5, strange, shared, [{ change: 'step-begin', job: 5, op: 0, name: 'of/old' }]),
      { change: 'job-add', job: aJob(6, [anOp(complete(onNode1))]), secrets: new Map([[0, sealed]]) },
      ...left(
        8,
        { ...onNode1, on_nodes: ['node2.example.com'] },
        [{ level: 'cluster', name: 'cluster', mode: 'shared' }],
        [{ change: 'step-begin', job: 8, op: 0, name: '0/node2.example.com' }],
        99,
      ),
      ...left(7, onNode1, [...shared, { level: 'node', name: 'node2.example.com', mode: 'exclusive' }]),
    ]);
    await f.restart();
  });
  after(() => f.close());

  it('completes an undo for the failure that was stored, whatever fails when the steps are taken again', async () => {
    const job = await f.ended(1);
    assert.deepEqual([job.status, job.ops[0]?.failure], ['error', first]);
    assert.equal(
      f.calls.some((call) => call.job === 1),
      false,
      'nothing is done again',
    );
  });

  it('never lets a job succeed that is to be undone', async () => {
    const job = await f.ended(2);
    assert.deepEqual([job.status, job.ops[0]?.failure], ['error', first]);
  });

  it('fails a job whose journal has steps that are not reached on replay', async () => {
    (await f.heldBy(3)).end();
    const { ops } = await f.ended(3);
    assert.equal(ops[0]?.failure?.code, 'internal_error');
    assert.match(ops[0]?.failure?.message ?? '', /of\/old/);
    assert.deepEqual(
      ops[0]?.log.map(({ text }) => text),
      ['Could not be undone: of/old: the step was not reached on replay'],
    );
  });

  it('ends a job of an opcode that this release does not know, and tells what it left', async () => {
    for (const id of [4, 5]) {
      const job = await f.ended(id);
      assert.deepEqual([job.status, job.ops[0]?.status], ['error', 'error']);
      assert.match(job.ops[0]?.failure?.message ?? '', /OP_OF_OLD/);
      assert.equal(job.ops[0]?.log.length, id === 5 ? 1 : 0);
    }
  });

  it('never goes on with a job that another version of its unit began', async () => {
    const { status, ops } = await f.ended(8);
    assert.equal(status, 'error');
    assert.match(
      ops[0]?.failure?.message ?? '',
      /^Another release of Merapi began this opcode \(version 99 of OP_TEST_DELAY, here 1\).* Steps that began: 0\/node2\.example\.com$/,
    );
    assert.ok(!f.calls.some((call) => call.job === 8));
  });

  it('ends a job in error whose secrets cannot be read any more', async () => {
    const job = await f.ended(6);
    assert.deepEqual([job.status, job.ops[0]?.failure?.code], ['error', 'internal_error']);
  });

  it('grants what is stored, not what a plan would say now', async () => {
    // This job holds node2, whatever it asks for: what was granted counts.
    const mine = await f.heldBy(7);
    const other = await f.submit(onNode2);
    assert.equal((await f.queue.get(other))?.status, 'waiting');
    mine.end();
    (await f.heldBy(other)).end();
    for (const id of [7, other]) assert.equal((await f.ended(id)).status, 'success');
  });
});
