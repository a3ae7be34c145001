import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { History } from '../../lib/jobs/history.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { onNode1, QueueFixture } from './fixture.ts';

const nothing: OpInput = { OP_ID: 'OP_TEST_DELAY', duration: 0 };
const addGroup = (group_name: string): OpInput => ({ OP_ID: 'OP_GROUP_ADD', group_name });

describe('the past', () => {
  let f: QueueFixture;
  let history: History;
  before(async () => {
    f = await QueueFixture.make();
    history = new History(f.store, systemClock);
  });
  after(() => f.close());

  it('jobs are archived one by one or by their age, never before their end', async () => {
    const { id } = await f.run(nothing);
    const running = await f.submit(onNode1);
    const held = await f.heldBy(running);
    await assert.rejects(history.archive(running), { code: 'wrong_state', message: /before it has ended/ });
    await assert.rejects(history.archive(9999), { code: 'not_found' });
    await history.archive(id);
    assert.deepEqual(await f.store.jobs.ids(), [running]);
    assert.equal((await f.queue.get(id))?.archived, true, 'it can still be read');
    const more = [await f.run(nothing), await f.run(nothing)].map((job) => job.id);
    assert.equal(await history.archiveOlder(3600), 0);
    assert.deepEqual(await f.store.jobs.ids(), [running, ...more]);
    assert.equal(await history.archiveOlder(0), 2);
    assert.deepEqual(await f.store.jobs.ids(), [running]);
    held.end();
    await f.ended(running);
  });

  it('a clock that was far ahead when jobs ended, or is now, loses nothing', async () => {
    const years = (count: number) => count * 365 * 86_400;
    let shift = years(11);
    const clock = { ...systemClock, seconds: () => systemClock.seconds() + shift };
    const jumping = new History(f.store, clock);
    const request = { principal: 'alice', key: 'jump', fingerprint: 'x' };
    const { id } = await f.ended(await f.queue.submit([nothing], request));
    const { last } = f.store.events;
    await jumping.archiveOlder(3600);
    await jumping.forget();
    assert.equal(f.store.events.last, last);
    assert.ok((await f.store.events.after(0, 1000)).events.length > 0, 'the newest events are there');
    assert.equal(await f.queue.submit([nothing], request), id, 'the key still counts');
    const next = await f.run(nothing);
    shift = -years(11);
    assert.equal(await jumping.archiveOlder(3600), 1, 'it ended in what is the future now');
    assert.equal((await f.queue.get(next.id))?.archived, true);
  });

  it('a request with a key makes one job, however often it comes and across a restart', async () => {
    const request = { principal: 'alice', key: 'k1', fingerprint: 'PUT /2/tags' };
    const ids = await Promise.all([1, 2, 3].map(() => f.queue.submit([addGroup('once')], request)));
    assert.equal(new Set(ids).size, 1);
    await f.restart();
    assert.equal(await f.queue.submit([addGroup('once')], request), ids[0]);
    await assert.rejects(f.queue.submit([nothing], { ...request, fingerprint: 'other' }), {
      code: 'conflict',
    });
    const bob = await f.queue.submit([nothing], { ...request, principal: 'bob', fingerprint: 'other' });
    assert.notEqual(bob, ids[0]);
    const wrong = { ...request, key: 'k2' };
    await assert.rejects(f.queue.submit([{ OP_ID: 'OP_GROUP_ADD' }], wrong), { code: 'wrong_input' });
    const right = await f.queue.submit([nothing], wrong);
    assert.equal((await f.ended(right)).status, 'success', 'what was refused has stored nothing');
    history = new History(f.store, systemClock);
    await history.archiveOlder(0);
    await history.forget();
    assert.equal(
      await f.queue.submit([addGroup('once')], request),
      ids[0],
      'a key counts for a day at least',
    );
  });

  it('a drained queue takes nothing new, across a restart; what it has goes on', async () => {
    const id = await f.submit(onNode1);
    const held = await f.heldBy(id);
    const request = { principal: 'alice', key: 'k3', fingerprint: 'x' };
    const keyed = await f.queue.submit([nothing], request);
    await f.queue.set({ drained: true });
    await assert.rejects(f.submit(nothing), { code: 'unavailable', message: /drained/ });
    assert.equal(await f.queue.submit([nothing], request), keyed);
    held.end();
    assert.equal((await f.ended(id)).status, 'success');
    await f.restart();
    assert.equal(f.queue.state.drained, true);
    await assert.rejects(f.submit(nothing), { code: 'unavailable' });
    await f.queue.set({ drained: false });
    assert.equal((await f.run(nothing)).status, 'success');
  });

  it('the events of a job tell of it and of what it changed, in their order', async () => {
    const from = f.store.events.last;
    const { id } = await f.run(addGroup('told'));
    const { events } = await f.store.events.after(from, 100);
    assert.deepEqual(
      events.map((event) => [event.kind, event.name, event.action, event.job]),
      [
        ['job', 'OP_GROUP_ADD', 'queued', id],
        ['job', '', 'running', id],
        ['nodegroup', 'told', 'add', id],
        ['job', '', 'success', id],
      ],
    );
    assert.deepEqual(
      events.map((event) => event.id),
      events.map((_, index) => from + 1 + index),
    );
  });

  it('as many run as max_running_jobs says, in their order, those that wait for locks not counted', async () => {
    const limit = (max_running_jobs: number) => ({ OP_ID: 'OP_CLUSTER_SET_PARAMS', max_running_jobs });
    await f.run(limit(1));
    const first = await f.submit(onNode1);
    const held = await f.heldBy(first);
    const [forLock, forSlot] = [await f.submit(onNode1), await f.submit(addGroup('slot'))];
    const locked = await f.queue.why(forLock);
    assert.deepEqual(
      locked?.locks.map(({ level, held_by }) => [level, held_by]),
      [['node', [first]]],
    );
    assert.match(locked?.text ?? '', /^It waits for the exclusive lock node\/.* which job \d+ has first$/);
    assert.equal(typeof locked?.estimate.until_start, 'number');
    const why = await f.queue.why(forSlot);
    assert.deepEqual(why?.slot, { position: 0, running: 1, max_running_jobs: 1 });
    assert.match(why?.text ?? '', /1 jobs are running, which is the limit/);
    held.end();
    // It has its lock in the same moment, and came first.
    const next = await f.heldBy(forLock);
    assert.deepEqual((await f.queue.why(forSlot))?.slot, { position: 0, running: 1, max_running_jobs: 1 });
    next.end();
    for (const id of [forLock, forSlot]) assert.equal((await f.ended(id)).status, 'success');
    await f.run(limit(20));
  });

  it('why tells of dependencies, filters, ended and unknown jobs', async () => {
    const first = await f.submit(onNode1);
    const held = await f.heldBy(first);
    const second = await f.submit({ ...nothing, depends: [[first, []]] });
    assert.deepEqual((await f.queue.why(second))?.depends, [[first, 'running']]);
    assert.match((await f.queue.why(second))?.text ?? '', new RegExp(`^It waits for job ${first} to end$`));
    assert.equal((await f.queue.why(first))?.text, 'It is running');
    const uuid = '00000000-0000-4000-8000-000000000001';
    await f.queue.putFilter({ uuid, priority: 1, predicates: [], action: 'PAUSE', reason_trail: [] });
    const paused = await f.submit(nothing);
    assert.deepEqual((await f.queue.why(paused))?.filter, { uuid, action: 'PAUSE' });
    await f.queue.removeFilter(uuid);
    held.end();
    for (const id of [first, second, paused]) await f.ended(id);
    assert.equal((await f.queue.why(paused))?.text, 'It has ended: success');
    assert.equal(await f.queue.why(9999), null);
  });
});
