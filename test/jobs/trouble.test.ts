import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Background } from '../../lib/base/background.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { storeRecovery } from '../../lib/jobs/maintenance/store-recovery.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { onNode1, QueueFixture } from './fixture.ts';

const addGroup = (group_name: string): OpInput => ({ OP_ID: 'OP_GROUP_ADD', group_name });

describe('a store that cannot be written', () => {
  let f: QueueFixture;
  let recovery: Background;
  before(async () => {
    f = await QueueFixture.make();
    recovery = storeRecovery(f.store, f.queue, { log: silentLogger, clock: systemClock });
    recovery.start();
  });
  after(async () => {
    await recovery.stop();
    await f.close();
  });

  it('refuses what changes something, shows everything, and goes on by itself with nothing lost', async () => {
    const done = await f.run(addGroup('before'));
    const twice = await f.submit({ ...onNode1, repeat: 1 });
    const held = await f.heldBy(twice);
    const waiting = await f.submit(onNode1, addGroup('behind'));
    const free = await f.files.breakWrites();
    await assert.rejects(f.submit(addGroup('never')), {
      code: 'unavailable',
      message:
        /^The store cannot be written or read: .*\(SQLITE_CONSTRAINT_TRIGGER\)\. Changes are refused until it can be written again/,
    });
    await assert.rejects(f.submit(addGroup('never')), {
      code: 'unavailable',
      message: /SQLITE_CONSTRAINT_TRIGGER/,
    });
    assert.match(f.queue.state.trouble ?? '', /SQLITE_CONSTRAINT_TRIGGER/);
    assert.equal((await f.queue.get(done.id))?.status, 'success');
    assert.equal((await f.queue.get(twice))?.status, 'running');
    assert.ok(f.store.view.groups.named('before'));
    held.end(); // what comes back meanwhile is asked for again
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.match(f.queue.state.trouble ?? '', /SQLITE_CONSTRAINT_TRIGGER/, 'it has tried in vain');
    assert.equal(f.calls.filter(({ job }) => job === twice).length, 1, 'and no job goes on');
    await free();
    for (const job of [twice, twice, waiting]) (await f.heldBy(job)).end();
    for (const id of [twice, waiting]) assert.equal((await f.ended(id)).status, 'success');
    assert.equal(f.queue.state.trouble, null);
    assert.ok(f.store.view.groups.named('behind'));
    assert.equal(f.store.view.groups.named('never'), undefined);
    assert.equal((await f.run(addGroup('after'))).status, 'success');
    assert.deepEqual(f.queue.locks(), []);
    const ids = await f.store.jobs.ids();
    assert.deepEqual(
      ids,
      ids.map((_, index) => index + 1),
      'refused jobs have no number',
    );
    const { events } = await f.store.events.after(0, 1000);
    assert.deepEqual(
      events.map(({ id }) => id),
      events.map((_, index) => index + 1),
    );
  });

  it('is trouble until the stored jobs are read again', async () => {
    f.queue.suspend();
    const refused = { code: 'unavailable', message: /The stored jobs are being read/ };
    await assert.rejects(f.submit(addGroup('never')), refused);
    assert.match(f.queue.state.trouble ?? '', refused.message);
    await f.queue.start();
    assert.equal(f.queue.state.trouble, null);
    assert.equal((await f.run(addGroup('later'))).status, 'success');
  });

  it('may fail again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const id = await f.submit(onNode1);
      await f.heldBy(id);
      const free = await f.files.breakWrites();
      await assert.rejects(f.submit(addGroup('never')), { code: 'unavailable' });
      await free();
      (await f.heldBy(id)).end();
      assert.equal((await f.ended(id)).status, 'success');
    }
  });

  it('takes no job before it has taken up those that are there, so that none runs twice', async () => {
    const { jobs } = f.store;
    const read = jobs.between.bind(jobs);
    jobs.between = async (first, last) => {
      await new Promise((resolve) => setTimeout(resolve, 50)); // as where there are very many
      return read(first, last);
    };
    const ids: number[] = [];
    for (let round = 0; round < 3; round++) {
      f.queue.suspend();
      const isTakenUp = f.queue.start();
      const id = await submitted(() => f.submit(onNode1));
      await isTakenUp;
      (await f.heldBy(id)).end();
      assert.equal((await f.ended(id)).status, 'success');
      ids.push(id);
    }
    const times = ids.map((id) => f.calls.filter(({ job }) => job === id).length);
    assert.deepEqual(
      times,
      ids.map(() => 1),
    );
  });

  it('lets a job fail that was to write what no disk would take, and the others go on at once', async () => {
    const other = await f.submit(onNode1);
    await f.heldBy(other);
    f.files.change("CREATE UNIQUE INDEX defect ON objects (kind) WHERE instr(body, 'worst') > 0");
    assert.equal((await f.run(addGroup('worst1'))).status, 'success');
    const bad = await f.run(addGroup('worst2'), addGroup('not-begun'));
    assert.equal(bad.status, 'error');
    assert.match(
      bad.ops[0]?.failure?.message ?? '',
      /cannot be written or read: a constraint of the database is violated/,
    );
    assert.equal(bad.ops[0]?.failure?.code, 'internal_error');
    assert.equal(f.queue.state.trouble, null);
    (await f.heldBy(other)).end(); // asked for again
    assert.equal((await f.ended(other)).status, 'success');
    assert.equal((await f.run(addGroup('good'))).status, 'success');
    assert.equal(f.store.view.groups.named('worst2'), undefined);
    f.files.change('DROP INDEX defect');
  });

  it('does not run a job again that cannot even fail, and refuses a request that cannot be stored', async () => {
    const next = (await f.store.jobs.lastId()) + 1;
    f.files.change(
      `CREATE UNIQUE INDEX defect ON job_ops (job) WHERE job = ${next} AND status IN ('success', 'error')`,
    );
    await assert.rejects(
      f.store.commit({ job: null }, () => [
        { change: 'job-set', job: 1, status: [] as unknown as 'error', start: null, end: null },
      ]),
      { code: 'internal_error', message: /^The change cannot be stored: / },
    );
    const id = await submitted(() => f.submit(addGroup('one'), addGroup('two')));
    while (f.queue.state.trouble !== null || (await f.queue.get(id))?.ops[0]?.status !== 'success')
      await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(f.queue.state.trouble, null);
    assert.equal((await f.run(addGroup('three'))).status, 'success');
    assert.notEqual((await f.queue.get(id))?.status, 'success');
    f.files.change('DROP INDEX defect');
    await f.restart();
    assert.equal((await f.ended(id)).status, 'success');
  });

  /** Submits as soon as jobs are taken. */
  async function submitted(submit: () => Promise<number>): Promise<number> {
    for (;;)
      try {
        return await submit();
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'unavailable');
        await new Promise(setImmediate);
      }
  }
});
