import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import type { Duty } from '../../../lib/model/duty.ts';
import type { JobFilter } from '../../../lib/model/filter.ts';
import type { ClusterView } from '../../../lib/model/view.ts';
import { put, remove } from '../../../lib/store/changes.ts';
import { aCluster, aDisk, aGroup, aNetwork, aNode, anInstance } from '../../helpers/view.ts';
import { addGroup, commit, groupNames, inStore, type MakeStore, nobody } from './define.ts';

/** How many commits come together, so that they share transactions also where the machine is busy. */
const MANY = 1000;

/** Commits: when they are seen, in which order, and what of them is stored. */
export function commitTests(make: MakeStore): void {
  it('are pending at once and in the view when they are on disk; a view that was taken stays as it is', () =>
    inStore(make, async (store) => {
      const before = store.view;
      const shown: string[][] = [];
      const stop = store.onChange((view) => shown.push(view.groups.list().map(({ name }) => name)));
      let isComputed = false;
      const committed = store.commit(nobody, () => {
        isComputed = true;
        return [put('nodegroup', aGroup({ name: 'a' }))];
      });
      assert.ok(isComputed, 'before commit() returns');
      assert.ok(store.pending.groups.named('a'));
      assert.equal(store.view, before, 'it is not on disk yet');
      await committed.then(() => assert.deepEqual(shown, [['a']], 'listeners are called first'));
      assert.deepEqual(groupNames(store), ['a']);
      assert.equal(before.groups.size, 0);
      stop();
      await addGroup(store, 'b');
      assert.equal(shown.length, 1, 'who has stopped listening is not called');
    }));

  it('are in the order in which they were made: each is built on all before it, on disk or not', () =>
    inStore(make, async (store, subject) => {
      const seen: number[] = [];
      const ended: number[] = [];
      const sizes: number[] = [];
      store.onChange((view) => sizes.push(view.groups.size));
      const commits = Array.from({ length: 200 }, (_, index) =>
        store
          .commit(nobody, (view) => {
            seen.push(view.groups.size);
            return index % 10 === 9 ? [] : [put('nodegroup', aGroup({ name: `g${index}` }))];
          })
          .then(() => ended.push(index)),
      );
      assert.equal(store.pending.groups.size, 180);
      await Promise.all(commits);
      assert.deepEqual(
        seen,
        seen.map((_, index) => index - Math.floor(index / 10)),
      );
      assert.deepEqual(ended, [...seen.keys()]);
      assert.deepEqual(
        sizes,
        sizes.map((_, index) => index + 1),
        'every state is shown, none twice',
      );
      assert.equal(store.view.groups.size, 180);
      assert.equal((await subject.open()).view.groups.size, 180);
    }));

  it('share transactions when they come together; one that is awaited has been written', () =>
    inStore(make, async (store, subject) => {
      const transactions = async (work: () => Promise<unknown>) => {
        const before = await subject.transactions();
        await work();
        return (await subject.transactions()) - before;
      };
      const together = await transactions(() =>
        Promise.all(Array.from({ length: MANY }, (_, index) => addGroup(store, `a${index}`))),
      );
      assert.ok(together >= 1 && together <= MANY / 4, `${MANY} commits took ${together} transactions`);
      const apart = await transactions(async () => {
        for (let index = 0; index < 20; index++) await addGroup(store, `b${index}`);
      });
      assert.ok(apart >= 20, `20 commits, each awaited, took ${apart} transactions`);
    }));

  it('are nothing when they cannot be built: the caller has what build threw', () =>
    inStore(make, async (store) => {
      const first = addGroup(store, 'a');
      const refused = store.commit(nobody, (view) => {
        throw new MerapiError('wrong_state', `not now: ${view.groups.size}`);
      });
      const last = addGroup(store, 'b');
      await assert.rejects(refused, { code: 'wrong_state', message: 'not now: 1' });
      await Promise.all([first, last]);
      assert.deepEqual(groupNames(store), ['a', 'b']);
      assert.equal(store.events.last, 2);
      assert.equal(store.failure, null);
    }));

  it('store objects of every kind, replace and remove them; the next owner has them to the last digit', () =>
    inStore(make, async (store, subject) => {
      const cluster = aCluster({ queue_drained: true, archive_after: null });
      const web = anInstance('web', { disks: ['disk1'], tags: ['ä"\n'] });
      await commit(
        store,
        put('cluster', aCluster()),
        put('nodegroup', aGroup()),
        put('node', aNode('node1')),
      );
      await commit(
        store,
        ...[put('cluster', cluster), put('instance', web), put('disk', aDisk('disk1'))],
        ...[put('instance', anInstance('gone')), put('disk', aDisk('gone')), put('node', aNode('gone'))],
        ...[put('nodegroup', aGroup({ name: 'gone' })), put('network', aNetwork('gone'))],
        ...[
          put('network', aNetwork('lan')),
          put('filter', aFilter('late', 7)),
          put('filter', aFilter('early', 3)),
        ],
        ...[
          put('filter', aFilter('gone', 1)),
          put('duty', aDuty('late', 20)),
          put('duty', aDuty('early', 10)),
        ],
        put('duty', aDuty('gone', 5)),
      );
      const kinds = ['instance', 'node', 'nodegroup'] as const;
      await commit(
        store,
        ...kinds.map((kind) => remove(kind, 'gone-uuid')),
        ...[remove('network', aNetwork('gone').uuid), remove('disk', 'gone')],
        ...[remove('filter', 'gone'), remove('duty', 'gone'), remove('node', 'never-there')],
        put('duty', aDuty('late', 20, 'once more')),
      );
      const wanted = {
        cluster,
        groups: [aGroup()],
        nodes: [aNode('node1')],
        instances: [web],
        networks: [aNetwork('lan')],
        disks: [aDisk('disk1'), undefined],
        filters: [aFilter('early', 3), aFilter('late', 7)],
        duties: [aDuty('early', 10), aDuty('late', 20, 'once more')],
      };
      assert.deepEqual(contents(store.view), wanted);
      await store.close();
      assert.deepEqual(contents((await subject.open()).view), wanted);
    }));

  it('that were made before the store is closed are written; what comes later is refused', () =>
    inStore(make, async (store, subject) => {
      const commits = Array.from({ length: 20 }, (_, index) => addGroup(store, `a${index}`));
      const closed = Promise.all([store.close(), store.close()]);
      await Promise.all(commits);
      await closed;
      await assert.rejects(addGroup(store, 'late'), { code: 'unavailable' });
      await assert.rejects(store.jobs.ids(), { code: 'unavailable' });
      assert.equal((await subject.open()).view.groups.size, 20);
    }));
}

function contents(view: ClusterView): unknown {
  return {
    cluster: view.cluster,
    groups: view.groups.list(),
    nodes: view.nodes.list(),
    instances: view.instances.list(),
    networks: view.networks.list(),
    disks: [view.disk('disk1'), view.disk('gone')],
    filters: view.filters,
    duties: view.duties,
  };
}

function aFilter(uuid: string, priority: number): JobFilter {
  return {
    ...{ uuid, priority, watermark: 4, predicates: [['jobid', ['>', 'id', 'watermark']]], action: 'PAUSE' },
    reason_trail: [['test', 'why', 1_721_000_000_123_456_789n]],
  };
}

function aDuty(uuid: string, created: number, reason = 'no answer'): Duty {
  return {
    ...{ uuid, created, reason, name: `duty ${uuid}`, node: 'node1-uuid', about: 'disk disk1' },
    calls: [{ call: 'disk.remove', params: { exact: 12_345_678_901_234_567_890n } }],
    ...{ instances: ['web'], job: 1, opcode: 'OP_X', step: 'disk/0', scope: '1@1/0/' },
    ...{ tries: 0, next_try: 0, last_error: null, locks: null },
  };
}
