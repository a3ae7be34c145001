import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import fc from 'fast-check';
import { Slots } from '../../lib/jobs/slots.ts';
import { acquireLocksAndSlot } from '../../lib/jobs/waiting.ts';
import { type Grant, LockManager } from '../../lib/locks/manager.ts';
import type { OpInput } from '../../lib/model/job.ts';
import type { ClusterView } from '../../lib/model/view.ts';
import { put } from '../../lib/store/changes.ts';
import { eventually } from '../helpers/program.ts';
import { aCluster } from '../helpers/view.ts';
import { QueueFixture } from './fixture.ts';

/** A job that locks these nodes and then asks them to wait. */
const onNodes = (nodes: readonly string[], priority = 0): OpInput => ({
  OP_ID: 'OP_TEST_DELAY',
  duration: 0,
  on_master: false,
  on_nodes: nodes.map((node) => `${node}.example.com`),
  no_locks: false,
  priority,
});

describe('a job that waits for a slot', () => {
  it('gives its locks up to a more urgent one, which goes before it and before all others', async () => {
    const f = await QueueFixture.make();
    try {
      await f.store.commit({ job: null }, () => [put('cluster', aCluster({ max_running_jobs: 1 }))]);
      const running = await f.submit(onNodes(['node1']));
      const first = await f.heldBy(running);
      const low = await f.submit(onNodes(['node2'], 10));
      const others = [];
      for (let more = 0; more < 5; more++)
        others.push(await f.submit({ ...onNodes(['node1']), no_locks: true }));
      const holds = (job: number) =>
        eventually(`job ${job} holds its lock`, async () => {
          const lock = f.locks.inspect().find(({ name }) => name === 'node2.example.com');
          return lock?.owners.some(({ owner }) => owner.startsWith(`${job}/`)) || null;
        });
      await holds(low);
      const high = await f.submit(onNodes(['node2'], -10));
      await holds(high);
      first.end();
      (await f.heldBy(high)).end();
      await f.ended(high);
      for (const id of others) (await f.heldBy(id)).end();
      (await f.heldBy(low)).end();
      await f.ended(low);
      assert.deepEqual(
        f.calls.map(({ job }) => job),
        [running, high, ...others, low],
      );
    } finally {
      await f.close();
    }
  });
});

describe('jobs of any priorities, locks and numbers of slots', () => {
  const nodes = ['a', 'b', 'c'];
  const move = fc.oneof(
    { weight: 3, arbitrary: fc.record({ nodes: fc.subarray(nodes), priority: fc.constantFrom(-10, 0, 10) }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ cancel: fc.nat(9) }) },
  );

  it('a ready one waits for less urgent ones only where they run already; all run in the end, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(move, { maxLength: 30 }),
        async (limit, moves) => {
          const slots = new Slots(() => limit);
          const parts = { locks: new LockManager(), store: { pending: {} as ClusterView } };
          const waiting = new Map<number, { nodes: string[]; priority: number; abort: AbortController }>();
          const running = new Map<number, { nodes: string[]; grant: Grant }>();
          const wrong: string[] = [];
          let last = 0;
          const submit = (wanted: string[], priority: number) => {
            const job = ++last;
            const abort = new AbortController();
            waiting.set(job, { nodes: wanted, priority, abort });
            const claimant = {
              owner: `${job}/0`,
              job,
              priority,
              signal: abort.signal,
              onGrant: () => undefined,
            };
            acquireLocksAndSlot(onNodes(wanted, priority), parts, slots, claimant).then(
              (grant) => {
                waiting.delete(job);
                for (const [id, other] of waiting)
                  if (other.priority < priority && isFree(other.nodes))
                    wrong.push(
                      `job ${job} of priority ${priority} began before job ${id} of ${other.priority}`,
                    );
                running.set(job, { nodes: wanted, grant });
                if (running.size > limit) wrong.push('more run than may');
              },
              () => waiting.delete(job),
            );
          };
          /** Whether no job that runs has one of the nodes. */
          const isFree = (wanted: string[]) =>
            [...running.values()].every(({ nodes: taken }) => !taken.some((node) => wanted.includes(node)));
          const end = (job: number) => {
            running.get(job)?.grant.release();
            running.delete(job);
            slots.leave(job);
          };
          const pick = (jobs: ReadonlyMap<number, unknown>, die: number) =>
            [...jobs.keys()][die % jobs.size] ?? 0;
          for (const each of moves) {
            if ('nodes' in each) submit(each.nodes, each.priority);
            else if ('end' in each) end(pick(running, each.end));
            else waiting.get(pick(waiting, each.cancel))?.abort.abort(new Error('canceled'));
            await settle();
            await settle();
            const ready = [...waiting.values()].filter((job) => isFree(job.nodes));
            assert.ok(
              ready.length === 0 || running.size === limit,
              'a slot is free, and somebody could take it',
            );
          }
          while (running.size > 0) {
            end(pick(running, 0));
            await settle();
            await settle();
          }
          assert.deepEqual(
            [wrong, [...waiting.keys()], parts.locks.inspect(), slots.state.running],
            [[], [], [], 0],
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
