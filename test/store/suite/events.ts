import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Clock, systemClock } from '../../../lib/base/clock.ts';
import type { ClusterEvent } from '../../../lib/model/event.ts';
import { put, remove } from '../../../lib/store/changes.ts';
import type { EventReader, Store } from '../../../lib/store/define.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { inTime } from '../../helpers/patience.ts';
import { aGroup, aNode } from '../../helpers/view.ts';
import { addGroup, commit, inStore, type MakeStore, nobody, type StoreUnderTest } from './define.ts';

/** How many events a slow reader has before it: more than a store may keep in memory. */
const MANY = 10_000;

/** Events: what they say, that they have no gaps, and how long they are kept. */
export function eventTests(make: MakeStore): void {
  it('are none at first', () =>
    inStore(make, async ({ events }) => {
      assert.equal(events.last, 0);
      assert.deepEqual(await events.after(0, 10), { events: [], first: 1 });
    }));

  it('tell of each changed object: what was done, its name, the job, and the time', () => {
    const clock: Clock = { ...systemClock, seconds: () => 1234.5 };
    const test = async (store: Store) => {
      const group = aGroup({ name: 'd' });
      await commit(store, put('nodegroup', group), put('node', aNode('node1')));
      await store.commit({ job: 7 }, () => [put('nodegroup', { ...group, name: 'd2' })]);
      await store.commit({ job: 8 }, () => [remove('nodegroup', 'd-uuid'), remove('node', 'nobody')]);
      await store.commit({ job: 9 }, () => [{ change: 'job-clean', job: 9 }]);
      const { events } = await store.events.after(0, 10);
      assert.deepEqual(
        events.map(({ kind, uuid, name, action, job, time }) => [kind, uuid, name, action, job, time]),
        [
          ['nodegroup', 'd-uuid', 'd', 'add', null, 1234.5],
          ['node', 'node1-uuid', 'node1.example.com', 'add', null, 1234.5],
          ['nodegroup', 'd-uuid', 'd2', 'change', 7, 1234.5],
          ['nodegroup', 'd-uuid', 'd2', 'remove', 8, 1234.5],
        ],
      );
    };
    return inStore(make, test, clock);
  });

  it('tell of each new status of a job, but not of jobs that only read', () =>
    inStore(make, async (store) => {
      const ops = [anOp({ OP_ID: 'OP_X' }), anOp({ OP_ID: 'OP_Y' })];
      const status = (job: number, status: 'running' | 'success', brief = false) =>
        ({ change: 'job-set', job, status, start: 1, end: null, ...(brief && { brief }) }) as const;
      await commit(store, { change: 'job-add', job: aJob(1, ops), secrets: new Map([[0, 'sealed']]) });
      await commit(store, { change: 'job-add', job: aJob(2, ops, { brief: true }), secrets: new Map() });
      await commit(store, status(1, 'running'), status(2, 'running', true));
      await commit(store, { change: 'job-cancel', job: 1 });
      await commit(store, status(2, 'success', true), status(1, 'success'));
      await commit(store, { change: 'job-archive', job: 1 });
      const { events } = await store.events.after(0, 10);
      assert.deepEqual(
        events.map(({ kind, uuid, name, action, job }) => [kind, uuid, name, action, job]),
        [
          ['job', '1', 'OP_X OP_Y', 'queued', 1],
          ['job', '1', '', 'running', 1],
          ['job', '1', '', 'canceling', 1],
          ['job', '1', '', 'success', 1],
        ],
      );
    }));

  it('are there when they are on disk, and whoever follows is called back then', () =>
    inStore(make, async (store) => {
      const { events } = store;
      const reads: Promise<{ events: readonly ClusterEvent[] }>[] = [];
      assert.equal(events.listeners, 0);
      const stop = events.subscribe(() => reads.push(events.after(reads.length, 10)));
      assert.equal(events.listeners, 1);
      const committed = addGroup(store, 'a');
      assert.equal(events.last, 0, 'it is not on disk yet');
      const early = await events.after(0, 10);
      assert.ok(early.events.length <= events.last && early.first === 1, 'what is to come is no gap');
      await committed;
      assert.equal(events.last, 1);
      assert.deepEqual(
        (await reads[0])?.events.map(({ name }) => name),
        ['a'],
      );
      stop();
      assert.equal(events.listeners, 0);
      await addGroup(store, 'b');
      assert.equal(reads.length, 1, 'who has stopped following is not called');
    }));

  it('have no gaps and the order of commits, also when some of these fail and when the store is opened again', () =>
    inStore(make, async (store, subject) => {
      await Promise.all(['a', 'b', 'c'].map((name) => addGroup(store, name)));
      const refused = store.commit(nobody, () => assert.fail('no'));
      await assert.rejects(refused);
      const repair = await subject.breakWrites();
      for (const lost of [addGroup(store, 'lost1'), addGroup(store, 'lost2')]) await assert.rejects(lost);
      await repair();
      assert.equal(await store.retry(), true);
      assert.equal(store.events.last, 3);
      await addGroup(store, 'd');
      await store.close();
      const next = await subject.open();
      assert.equal(next.events.last, 4);
      await addGroup(next, 'e');
      const { events, first } = await next.events.after(0, 10);
      assert.equal(first, 1);
      assert.deepEqual(
        events.map(({ id, name }) => `${id} ${name}`),
        ['1 a', '2 b', '3 c', '4 d', '5 e'],
      );
    }));

  it('reach whoever reads slowly or as they come, each once', () =>
    inStore(make, async (store, subject) => {
      const group = aGroup();
      const writing = (async () => {
        for (let written = 0; written < MANY; written += 100)
          await commit(store, ...Array.from({ length: 100 }, () => put('nodegroup', group)));
      })();
      await inTime(
        Promise.all([writing, follow(store.events)]),
        () => `event ${MANY}, at ${store.events.last}`,
      );
      await follow(store.events);
      await follow((await subject.open()).events);
      const { events } = store;
      assert.deepEqual(
        (await events.after(0, 1)).events.map(({ id }) => id),
        [1],
      );
      assert.deepEqual(
        (await events.after(MANY - 2, 10)).events.map(({ id }) => id),
        [MANY - 1, MANY],
      );
      for (const id of [MANY, MANY + 5]) assert.deepEqual((await events.after(id, 10)).events, []);
    }));

  it('are forgotten by number and by age, and count on', () => {
    let now = 0;
    const clock: Clock = { ...systemClock, seconds: () => now };
    const test = async (opened: Store, subject: StoreUnderTest) => {
      let store = opened;
      for (now = 1; now <= 10; now++) await addGroup(store, `g${now}`);
      const forget = async (upTo: number, aged: { before: number; upTo: number }) => {
        await commit(store, { change: 'events-forget', upTo, aged });
        store = await subject.open(clock);
        const { events, first } = await store.events.after(0, 100);
        return { ids: events.map(({ id }) => id), first, last: store.events.last };
      };
      const none = { before: 0, upTo: 0 };
      assert.deepEqual(await forget(2, none), { ids: [3, 4, 5, 6, 7, 8, 9, 10], first: 3, last: 10 });
      assert.deepEqual(await forget(0, { before: 6, upTo: 9 }), {
        ids: [6, 7, 8, 9, 10],
        first: 6,
        last: 10,
      });
      assert.deepEqual(
        await forget(0, { before: 1e12, upTo: 9 }),
        { ids: [10], first: 10, last: 10 },
        'the newest are kept, however old',
      );
      assert.deepEqual(await forget(10, none), { ids: [], first: 11, last: 10 });
      await addGroup(store, 'next');
      const { events, first } = await store.events.after(0, 100);
      assert.deepEqual([events.map(({ id }) => id), first], [[11], 11]);
    };
    return inStore(make, test, clock);
  });
}

/** Reads all events in pages, waiting for those that are still to come; fails at a gap and at one that comes twice. */
async function follow(events: EventReader): Promise<void> {
  for (let seen = 0; seen < MANY; ) {
    let news: () => void = () => undefined;
    const bell = new Promise<void>((resolve) => {
      news = resolve;
    });
    const stop = events.subscribe(news);
    try {
      const page = await events.after(seen, 70);
      assert.ok(page.events.length <= 70);
      assert.ok(page.first <= seen + 1, `${page.first} is the oldest, ${seen} was read`);
      for (const { id } of page.events) assert.equal(id, ++seen);
      if (page.events.length === 0) await bell;
    } finally {
      stop();
    }
  }
}
