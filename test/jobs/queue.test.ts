import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import { stringifyJson } from '../../lib/base/json.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { deferred } from '../node/helpers.ts';
import { onNode1, QueueFixture } from './fixture.ts';

const nothing: OpInput = { OP_ID: 'OP_TEST_DELAY', duration: 0 };
const addGroup = (group_name: string): OpInput => ({ OP_ID: 'OP_GROUP_ADD', group_name });

/** One fixture for a suite; every test leaves it without jobs that have not ended. */
function suiteFixture(): () => QueueFixture {
  let fixture: QueueFixture;
  before(async () => {
    fixture = await QueueFixture.make();
  });
  after(async () => {
    const left = fixture.locks.inspect();
    await fixture.close();
    assert.deepEqual(left, [], 'locks that are still held');
  });
  return () => fixture;
}

describe('submission', () => {
  const f = suiteFixture();

  it('is answered when the job is on disk, and no part of it runs before', async () => {
    const gate = deferred<void>();
    const calls = f().calls.length;
    let isAnswered = false;
    f().beforeCommit = () => gate.promise;
    const submitted = f()
      .submit(onNode1)
      .then((id) => {
        isAnswered = true;
        return id;
      });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isAnswered, false);
    assert.equal(f().calls.length, calls);
    assert.deepEqual(f().files.rows('SELECT * FROM jobs'), []);
    f().beforeCommit = () => undefined;
    gate.resolve();
    const id = await submitted;
    assert.deepEqual(f().files.rows(`SELECT id FROM jobs WHERE id = ${id}`), [{ id }]);
    (await f().heldBy(id)).end();
    await f().ended(id);
  });

  it('of something wrong is refused, leaves no trace and takes no id', async () => {
    const last = await f().submit(nothing);
    await f().ended(last);
    const trace = () =>
      ['jobs', 'job_ops', 'job_secrets', 'events'].map((table) => f().files.rows(`SELECT * FROM ${table}`));
    const before = trace();
    const wrong: [OpInput[], RegExp][] = [
      [[], /at least one opcode/],
      [[{ OP_ID: 'OP_NO_SUCH' }], /no opcode 'OP_NO_SUCH'/],
      [[nothing, { OP_ID: 'OP_TEST_DELAY' }], /missing parameter 'duration'/],
      [[{ ...nothing, colour: 'red' }], /unknown parameter 'colour'/],
      [
        [{ ...nothing, duration: 'long', repeat: 1.5 }],
        /'duration' must be a number, e.g. 0.5, not "long"; parameter 'repeat'/,
      ],
      [[{ ...nothing, priority: 5 }], /priority/],
      [[{ ...nothing, depends: [[last + 1, []]] }], /cannot depend on job/],
      [[nothing, { ...nothing, depends: [[-last - 1, []]] }], /only on an earlier one/],
      [[{ ...nothing, depends: [[0, []]] }], /only on an earlier one/],
    ];
    for (const [ops, message] of wrong)
      await assert.rejects(f().submit(...ops), { code: 'wrong_input', message });
    assert.deepEqual(trace(), before);
    const next = await f().submit(nothing);
    assert.equal(next, last + 1);
    await f().ended(next);
  });

  it('fails as unavailable when the store does, and the job does not run', async () => {
    f().beforeCommit = () => {
      throw new MerapiError('unavailable', 'the disk is full');
    };
    await assert.rejects(f().submit(addGroup('unstored')), { code: 'unavailable' });
    f().beforeCommit = () => undefined;
    const job = await f().run(nothing);
    assert.equal(job.status, 'success');
    assert.equal(f().store.view.groups.named('unstored'), undefined);
  });

  it('of many at once gives each an id of its own, in order', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => f().submit(addGroup(`many${n}`))));
    assert.deepEqual(
      ids,
      ids.map((_, index) => (ids[0] as number) + index),
    );
    for (const [n, id] of ids.entries()) {
      const job = await f().ended(id);
      assert.deepEqual([job.status, job.ops[0]?.input.group_name], ['success', `many${n}`]);
    }
  });

  it('keeps what was submitted, with its defaults and a reason that says where it became a job', async () => {
    const reason = [['user', 'because', 1_721_000_000_123_456_789n]];
    const { id, ops } = await f().run({ ...nothing, reason, comment: 'a remark' });
    const { reason: trail, ...input } = ops[0]?.input ?? { OP_ID: 'none' };
    assert.deepEqual(stringifyJson((trail as unknown[])[0]), stringifyJson(reason[0]));
    const [source, text, time] = (trail as unknown[])[1] as [string, string, bigint];
    assert.deepEqual([source, text], ['gnt:opcode:test_delay', `job=${id};index=0`]);
    assert.ok(time > 1_700_000_000_000_000_000n);
    assert.equal(input.comment, 'a remark');
    assert.deepEqual([input.repeat, input.on_nodes, input.priority, input.depends], [0, [], 0, null]);
  });
});

describe('the order of jobs', () => {
  const f = suiteFixture();

  it('is that of priorities, then of age', async () => {
    const first = await f().submit(onNode1);
    const held = await f().heldBy(first);
    const later: number[] = [];
    for (const priority of [10, 0, -10, 0, 10, -10]) later.push(await f().submit({ ...onNode1, priority }));
    for (const id of later) assert.equal((await f().queue.get(id))?.status, 'waiting');
    const [a, b, c, d, e, g] = later;
    held.end();
    for (const id of [c, g, b, d, a, e] as number[]) {
      (await f().heldBy(id)).end();
      await f().ended(id);
    }
    const order = f().calls.map((call) => call.job);
    assert.deepEqual(order, [first, c, g, b, d, a, e]);
  });

  it('does not keep jobs apart that need not wait for each other', async () => {
    const first = await f().submit(onNode1);
    const other = await f().submit({ ...onNode1, on_nodes: ['node2.example.com'] });
    const held = [await f().heldBy(first), await f().heldBy(other)];
    assert.equal((await f().run(addGroup('beside'))).status, 'success');
    for (const call of held) call.end();
    for (const id of [first, other]) await f().ended(id);
  });

  it('follows dependencies, absolute and relative ones', async () => {
    const first = await f().submit(onNode1);
    const absolute = await f().submit({ ...addGroup('absolute'), depends: [[first, ['success']]] });
    const relative = await f().submit({ ...addGroup('relative'), depends: [[-2, []]] });
    for (const id of [absolute, relative]) {
      const job = await f().ended(id, ({ status }) => status === 'waiting');
      assert.equal(job.start, job.ops[0]?.start);
    }
    assert.deepEqual((await f().queue.get(relative))?.ops[0]?.input.depends, [[first, []]]);
    (await f().heldBy(first)).end();
    for (const id of [absolute, relative]) assert.equal((await f().ended(id)).status, 'success');
    const late = await f().run({ ...addGroup('late'), depends: [[first, ['success']]] });
    assert.equal(late.status, 'success', 'the job that it depends on had ended before');
  });

  it('fails a job whose dependency ended otherwise or does not exist', async () => {
    const failed = await f().run({ ...nothing, duration: -1 });
    assert.equal(failed.status, 'error');
    const job = await f().run({ ...addGroup('unwanted'), depends: [[failed.id, ['success', 'canceled']]] });
    assert.deepEqual(job.ops[0]?.failure, {
      code: 'execution',
      message: `Job ${failed.id}, which this one depends on, ended in error; accepted is success or canceled`,
    });
    assert.equal(job.status, 'error');
    const accepted = await f().run({ ...addGroup('wanted'), depends: [[failed.id, ['error']]] });
    assert.equal(accepted.status, 'success');
    f().beforeCommit = () => {
      throw new MerapiError('unavailable', 'the disk is full');
    };
    await assert.rejects(f().submit(nothing));
    f().beforeCommit = () => undefined;
    const gap = accepted.id + 1;
    const orphan = await f().run({ ...addGroup('orphan'), depends: [[gap, []]] });
    assert.deepEqual(orphan.ops[0]?.failure, {
      code: 'execution',
      message: `Job ${gap}, which this one depends on, does not exist`,
    });
    assert.equal(f().store.view.groups.named('orphan'), undefined);
  });
});

describe('a job of several opcodes', () => {
  const f = suiteFixture();

  it('does them one after the other', async () => {
    const { status, ops } = await f().run(addGroup('one'), addGroup('two'), {
      OP_ID: 'OP_GROUP_REMOVE',
      group_name: 'one',
    });
    assert.deepEqual([status, ...ops.map((op) => op.status)], ['success', 'success', 'success', 'success']);
    assert.equal(f().store.view.groups.named('one'), undefined);
    assert.ok(f().store.view.groups.named('two'));
  });

  it('fails the later ones with the first that fails; what was done before stays', async () => {
    const { status, ops } = await f().run(addGroup('kept'), addGroup('kept'), addGroup('never'));
    assert.deepEqual([status, ...ops.map((op) => op.status)], ['error', 'success', 'error', 'error']);
    assert.equal(ops[1]?.failure?.code, 'already_exists');
    assert.deepEqual(ops[2]?.failure, { code: 'execution', message: 'An earlier opcode of the job failed' });
    assert.ok(f().store.view.groups.named('kept'));
    assert.equal(f().store.view.groups.named('never'), undefined);
  });

  it('has the priority of its most urgent opcode and counts its log lines through', async () => {
    const { priority, ops } = await f().run(
      { ...addGroup('p1'), dry_run: true },
      { ...addGroup('p2'), priority: -10, dry_run: true },
    );
    assert.equal(priority, -10);
    assert.deepEqual(
      ops.flatMap((op) => op.log.map((entry) => entry.serial)),
      [1, 2],
    );
  });

  it('changes nothing in a dry run', async () => {
    const events = f().files.rows("SELECT * FROM events WHERE kind <> 'job'").length;
    const job = await f().run({ ...addGroup('dry'), dry_run: true });
    assert.deepEqual([job.status, job.ops[0]?.result], ['success', null]);
    assert.match(job.ops[0]?.log[0]?.text ?? '', /dry run/);
    assert.equal(f().store.view.groups.named('dry'), undefined);
    assert.equal(f().files.rows("SELECT * FROM events WHERE kind <> 'job'").length, events);
    const refused = await f().run({ OP_ID: 'OP_GROUP_REMOVE', group_name: 'default', dry_run: true });
    assert.equal(refused.ops[0]?.failure?.code, 'wrong_state', 'a dry run checks all the same');
  });
});

describe('cancelling', () => {
  const f = suiteFixture();

  it('takes back a job that waits for locks or for other jobs', async () => {
    const first = await f().submit(onNode1);
    const forLocks = await f().submit(onNode1);
    const forJob = await f().submit({ ...addGroup('after'), depends: [[first, []]] }, nothing);
    for (const id of [forLocks, forJob]) {
      assert.deepEqual(await f().queue.cancel(id), { canceled: true, text: `Job ${id} canceled` });
      const job = await f().queue.get(id);
      assert.equal(job?.status, 'canceled');
      for (const op of job?.ops ?? []) assert.deepEqual([op.status, op.failure], ['canceled', null]);
      assert.ok(job?.end);
    }
    (await f().heldBy(first)).end();
    await f().ended(first);
    assert.equal(f().store.view.groups.named('after'), undefined);
    assert.deepEqual(
      f()
        .calls.map(({ job }) => job)
        .includes(forLocks),
      false,
    );
  });

  it('stops a job that runs before its next step; a crash does not forget that', async () => {
    for (const crash of [false, true]) {
      const id = await f().submit({ ...onNode1, repeat: 1 }, addGroup('after'));
      const held = await f().heldBy(id);
      const { canceled, text } = await f().queue.cancel(id);
      assert.equal(canceled, true);
      assert.match(text, /^Job \d+ will be canceled: it stops before its next step/);
      assert.equal((await f().queue.get(id))?.status, 'canceling');
      if (crash) {
        await f().restart();
        assert.equal(f().held.length, 0, 'the step is not begun again');
      } else held.end();
      const job = await f().ended(id);
      assert.equal(job.status, 'canceled');
      for (const op of job.ops) assert.deepEqual([op.status, op.failure], ['canceled', null]);
      assert.equal(f().store.view.groups.named('after'), undefined);
      assert.deepEqual(f().locks.inspect(), []);
    }
  });

  it('comes too late for a job whose last step runs', async () => {
    const id = await f().submit(onNode1);
    const held = await f().heldBy(id);
    const { canceled, text } = await f().queue.cancel(id);
    assert.equal(canceled, true);
    assert.match(text, /if no step is left, it ends normally$/);
    held.end();
    assert.equal((await f().ended(id)).status, 'success');
  });

  it('does not wait for a step that only waits', async () => {
    const id = await f().submit({ ...nothing, duration: 3600 });
    await f().ended(id, ({ status }) => status === 'running');
    assert.equal((await f().queue.cancel(id)).canceled, true);
    assert.equal((await f().ended(id)).status, 'canceled');
  });

  it('is refused for a job that has ended or does not exist', async () => {
    const { id } = await f().run(nothing);
    assert.deepEqual(await f().queue.cancel(id), {
      canceled: false,
      text: `Job ${id} not found in queue`,
    });
    assert.deepEqual(await f().queue.cancel(9999), { canceled: false, text: 'Job 9999 not found in queue' });
  });

  it('that meets the grant of the locks ends the job before it does anything, or comes too late', async () => {
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 25; turns++) {
      const first = await f().submit(onNode1);
      const held = await f().heldBy(first);
      const second = await f().submit(onNode1);
      f().holds = () => false;
      held.end(); // somewhere in these turns the locks of the first job go to the second
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const { canceled } = await f().queue.cancel(second);
      const job = await f().ended(second);
      if (!canceled) assert.equal(job.status, 'success', `after ${turns} turns`);
      assert.equal(
        f().calls.some((call) => call.job === second),
        job.status === 'success',
      );
      outcomes.add(job.status);
      f().holds = ({ name }) => name === 'node.delay';
    }
    assert.ok(outcomes.has('canceled'));
  });
});

describe('the state of a job', () => {
  const f = suiteFixture();

  it('goes forward only: queued or waiting, running, ended', async () => {
    f().holds = ({ name }) => name === 'node.hello';
    const id = await f().submit({ OP_ID: 'OP_CLUSTER_POST_INIT' });
    const check = await f().heldBy(0); // calls of a check belong to no step
    const job = await f().queue.get(id);
    assert.deepEqual([job?.status, job?.ops[0]?.status], ['running', 'running'], 'it checks');
    assert.ok(job?.ops[0]?.exec);
    assert.equal(job?.start, job?.ops[0]?.start);
    check.end(new MerapiError('node_unreachable', 'no'));
    f().holds = ({ name }) => name === 'node.delay';
    const ended = await f().ended(id);
    assert.equal(ended.status, 'error');
    assert.deepEqual([ended.start, ended.ops[0]?.exec], [job?.start, job?.ops[0]?.exec]);
  });

  it('does not fall back while its end is on its way to the disk', async () => {
    const failed = await f().run({ ...nothing, duration: -1 });
    const cases: [OpInput, string, string][] = [
      [addGroup('slow'), 'running', 'success'],
      [{ ...nothing, depends: [[failed.id, ['success']]] }, 'waiting', 'error'],
    ];
    for (const [op, meanwhile, atLast] of cases) {
      const [writing, gate] = [deferred<void>(), deferred<void>()];
      let commits = 0;
      f().beforeCommit = async () => {
        if (commits++ === 0) return; // the submission
        writing.resolve();
        await gate.promise;
      };
      const id = await f().submit(op);
      await writing.promise;
      const job = await f().queue.get(id);
      assert.deepEqual([job?.status, job?.ops[0]?.status], [meanwhile, meanwhile]);
      f().beforeCommit = () => undefined;
      gate.resolve();
      assert.equal((await f().ended(id)).status, atLast);
    }
  });
});
