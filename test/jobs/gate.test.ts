import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Entrant, Gate } from '../../lib/jobs/gate.ts';
import type { FilterAction, JobFilter } from '../../lib/model/filter.ts';

const filterOf = (name: string, action: FilterAction): JobFilter => ({
  uuid: name,
  watermark: 0,
  priority: 0,
  predicates: [['opcode', ['=', 'OP_ID', name]]],
  action,
  reason_trail: [],
});
const filters = [
  filterOf('OP_TEST_DELAY', ['RATE_LIMIT', 2]),
  filterOf('OP_GROUP_ADD', 'PAUSE'),
  filterOf('OP_GROUP_REMOVE', 'REJECT'),
];
const kinds = ['OP_TEST_DELAY', 'OP_GROUP_ADD', 'OP_GROUP_REMOVE', 'OP_NODE_ADD'] as const;

type Move =
  | { do: 'enter'; kind: (typeof kinds)[number]; priority: number; blocked: boolean }
  | { do: 'unblock' | 'leave'; at: number }
  | { do: 'apply'; rules: number };
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      kind: fc.constantFrom(...kinds, 'OP_TEST_DELAY' as const, 'OP_TEST_DELAY' as const),
      priority: fc.integer({ min: -1, max: 1 }),
      blocked: fc.nat(3).map((drawn) => drawn === 0),
    }),
  },
  fc.record({ do: fc.constantFrom('unblock' as const, 'leave' as const), at: fc.nat(30) }),
  fc.record({ do: fc.constant('apply' as const), rules: fc.constantFrom(0, 1, 3, 5, 7, 7) }),
);

interface Job extends Entrant {
  kind: string;
  blocked: boolean;
  state: 'waiting' | 'running' | 'rejected' | 'gone';
}

describe('the gate', () => {
  it('lets in whoever may come in at every moment, and nobody else, whatever comes, goes and changes', () => {
    let limited = 0;
    fc.assert(
      fc.property(fc.array(move, { minLength: 20, maxLength: 60 }), (moves) => {
        const gate = new Gate();
        const jobs: Job[] = [];
        let rules = filters;
        gate.apply(rules);
        for (const step of moves) {
          if (step.do === 'enter') {
            const job: Job = {
              id: jobs.length + 1,
              inputs: [{ OP_ID: step.kind }],
              ...{ kind: step.kind, priority: step.priority, blocked: step.blocked, state: 'waiting' },
              start: () => {
                job.state = 'running';
              },
              reject: () => {
                job.state = 'rejected';
              },
            };
            jobs.push(job);
            gate.enter(job, step.blocked);
          } else if (step.do === 'apply') {
            rules = filters.filter((_filter, place) => step.rules & (1 << place));
            gate.apply(rules);
          } else {
            const job = jobs[step.at % Math.max(1, jobs.length)];
            if (!job) continue;
            if (step.do === 'unblock') {
              job.blocked = false;
              gate.unblock(job.id);
            } else {
              gate.leave(job.id);
              if (job.state !== 'rejected') job.state = 'gone';
            }
          }
          const actionOf = ({ kind }: Job) => rules.find(({ uuid }) => uuid === kind)?.action ?? 'ACCEPT';
          const waiting = jobs.filter(({ state }) => state === 'waiting');
          for (const job of waiting) {
            const action = actionOf(job);
            assert.notEqual(action, 'REJECT');
            assert.ok(job.blocked || action !== 'ACCEPT', `${job.id} could begin`);
            assert.equal(gate.filterOf(job.id)?.uuid ?? null, action === 'ACCEPT' ? null : job.kind);
          }
          const ready = waiting.filter((job) => Array.isArray(actionOf(job)) && !job.blocked);
          const running = jobs.filter((job) => job.state === 'running' && Array.isArray(actionOf(job)));
          if (ready.length > 0) assert.ok(running.length >= 2, 'a place is free');
          if (ready.length > 0) limited++;
        }
      }),
    );
    assert.ok(limited > 30, `limited ${limited} times`);
  });

  it('lets those in first who come first in order', () => {
    const gate = new Gate();
    gate.apply([filterOf('OP_TEST_DELAY', ['RATE_LIMIT', 1])]);
    const begun: number[] = [];
    const enter = (id: number, priority: number) =>
      gate.enter(
        {
          ...{ id, priority, inputs: [{ OP_ID: 'OP_TEST_DELAY' }] },
          start: () => begun.push(id),
          reject: () => assert.fail('nobody is rejected'),
        },
        false,
      );
    for (const [id, priority] of [
      [1, 0],
      [2, 0],
      [3, -1],
      [4, 0],
    ] as const)
      enter(id, priority);
    for (const id of [1, 3, 2]) gate.leave(id);
    assert.deepEqual(begun, [1, 3, 2, 4]);
  });

  it('lets no job in that a stored filter may be for which is not understood', () => {
    const gate = new Gate();
    const begun: number[] = [];
    const enter = (id: number) =>
      gate.enter(
        {
          ...{ id, priority: 0, ops: [], inputs: [] },
          start: () => begun.push(id),
          reject: assert.fail,
        } as never,
        false,
      );
    const foreign: JobFilter = {
      ...filterOf('x', 'REJECT'),
      predicates: [['opcode', ['=~', 'OP_ID', '{2}(']]],
    };
    gate.apply([foreign]);
    enter(1);
    assert.deepEqual([begun, gate.filterOf(1)?.uuid], [[], 'x']);
    gate.apply([]);
    assert.deepEqual(begun, [1]);
  });
});
