import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Change, put } from '../../../lib/store/changes.ts';
import type { WriteFailure } from '../../../lib/store/define.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { aGroup } from '../../helpers/view.ts';
import { addGroup, commit, groupNames, inStore, type MakeStore, nobody } from './define.ts';

/** Changes that no disk takes: there cannot be two jobs with one id. */
const impossible = (name: string): Change[] => {
  const add = { change: 'job-add' as const, job: aJob(1, [anOp({ OP_ID: 'OP_X' })]), secrets: new Map() };
  return [put('nodegroup', aGroup({ name })), add, add];
};

/** Commits that cannot be written: what is left of them, who learns of it, and how it goes on. */
export function failureTests(make: MakeStore): void {
  it('because no disk would take them: their job is named, and what was built on them fails too', () =>
    inStore(make, async (store, subject) => {
      const order: string[] = [];
      const failures: WriteFailure[] = [];
      store.onFailure((failure) => {
        failures.push(failure);
        order.push('listener');
      });
      await addGroup(store, 'before');
      const broken = store.commit({ job: 7 }, () => impossible('broken'));
      const builtOnIt = Array.from({ length: 3 }, (_, index) => addGroup(store, `on${index}`));
      assert.equal(store.pending.groups.size, 5);
      broken.catch(() => order.push('caller'));
      await assert.rejects(broken, { code: 'internal_error' });
      for (const commit of builtOnIt) await assert.rejects(commit, { code: 'unavailable' });
      assert.deepEqual(order, ['listener', 'caller']);
      assert.deepEqual(
        failures.map(({ error, lost, culprit }) => [error.code, lost, culprit]),
        [['unavailable', false, 7]],
      );
      assert.equal(store.failure?.code, 'unavailable');
      assert.equal(store.pending, store.view, 'what was built on it is dropped');
      assert.deepEqual(groupNames(store), ['before']);
      await assert.rejects(
        addGroup(store, 'later'),
        { code: 'unavailable' },
        'before retry() nothing is taken',
      );
      assert.equal(store.pending, store.view);
      assert.equal(await store.retry(), true);
      assert.equal(store.failure, null);
      await addGroup(store, 'after');
      assert.deepEqual(groupNames(store), ['after', 'before']);
      assert.equal(await store.jobs.get(1), null, 'half a commit is none');
      for (const name of ['broken', 'on0', 'later'])
        assert.equal(await subject.contains(`${name}-uuid`), false, `nothing of ${name} is stored`);
    }));

  it('because nothing can be written: all can be read, and writing goes on once it can be', () =>
    inStore(make, async (store, subject) => {
      const failures: WriteFailure[] = [];
      const stop = store.onFailure((failure) => failures.push(failure));
      await commit(store, put('nodegroup', aGroup({ name: 'before' })), {
        change: 'job-add',
        job: aJob(3, [anOp({ OP_ID: 'OP_X' })]),
        secrets: new Map(),
      });
      for (const round of [1, 2]) {
        const repair = await subject.breakWrites();
        const commits = Array.from({ length: 5 }, (_, index) => addGroup(store, `lost${index}`));
        for (const each of commits) await assert.rejects(each, { code: 'unavailable' });
        await assert.rejects(addGroup(store, 'refused'), { code: 'unavailable' });
        assert.deepEqual(
          failures.map(({ lost, culprit }) => [lost, culprit]),
          Array.from({ length: round }, () => [false, null]),
          'listeners are called once',
        );
        assert.equal(await store.retry(), false);
        assert.ok(store.failure);
        assert.ok(store.view.groups.named('before'));
        assert.equal((await store.jobs.get(3))?.id, 3);
        assert.equal((await store.events.after(0, 1)).events[0]?.name, 'before');
        await repair();
        assert.equal(await store.retry(), true);
        assert.equal(store.failure, null);
        await addGroup(store, `after${round}`);
      }
      stop();
      await assert.rejects(
        store.commit(nobody, () => impossible('broken')),
        { code: 'internal_error' },
      );
      assert.equal(failures.length, 2, 'who has stopped listening is not called');
      assert.deepEqual(groupNames(store), ['after1', 'after2', 'before']);
      assert.deepEqual(groupNames(await subject.open()), ['after1', 'after2', 'before']);
    }));

  it('leave nothing, wherever among others they are: exactly the commits that resolve are stored', () =>
    inStore(make, async (store, subject) => {
      for (const place of [0, 1, 25, 48, 49]) {
        const name = (index: number) => `p${place}i${index}`;
        const before = groupNames(store);
        const outcomes = await Promise.allSettled(
          Array.from({ length: 50 }, (_, index) =>
            index === place
              ? store.commit(nobody, () => impossible(name(index)))
              : addGroup(store, name(index)),
          ),
        );
        assert.equal(outcomes[place]?.status, 'rejected');
        const written = outcomes.flatMap(({ status }, index) =>
          status === 'fulfilled' ? [name(index)] : [],
        );
        assert.deepEqual(new Set(groupNames(store)), new Set([...before, ...written]));
        assert.equal(await store.retry(), true);
        await addGroup(store, `p${place}-after`);
      }
      const next = await subject.open();
      assert.deepEqual(groupNames(next), groupNames(store));
      const { events } = await next.events.after(0, 1000);
      assert.deepEqual(
        events.map(({ id }) => id),
        groupNames(next).map((_, index) => index + 1),
        'events neither lost nor left over',
      );
    }));
}
