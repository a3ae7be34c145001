import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inOrder, schedule, type Waiting } from '../../lib/jobs/schedule.ts';
import type { FilterAction, JobFilter } from '../../lib/model/filter.ts';

const filterOf = (uuid: string, action: FilterAction): JobFilter => ({
  uuid,
  watermark: 0,
  priority: 0,
  predicates: [],
  action,
  reason_trail: [],
});

const filters = [
  null,
  filterOf('accept', 'ACCEPT'),
  filterOf('pause', 'PAUSE'),
  filterOf('reject', 'REJECT'),
  filterOf('one', ['RATE_LIMIT', 1]),
  filterOf('three', ['RATE_LIMIT', 3]),
];
const anyFilter = fc.constantFrom(...filters);
const jobs: fc.Arbitrary<Waiting[]> = fc
  .array(fc.record({ priority: fc.integer({ min: -2, max: 2 }), blocked: fc.boolean(), filter: anyFilter }))
  .map((list) => list.map((job, id) => ({ id, ...job })));
const running = fc.array(anyFilter);

/** How many of these jobs each filter decides about, by its uuid. */
function countsOf(list: readonly (JobFilter | null)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const filter of list) if (filter) counts.set(filter.uuid, (counts.get(filter.uuid) ?? 0) + 1);
  return counts;
}

const limitOf = (filter: JobFilter | null) =>
  filter && Array.isArray(filter.action) ? filter.action[1] : Number.POSITIVE_INFINITY;

describe('the decision which jobs begin', () => {
  it('starts and rejects each at most once, and rejects exactly those whose filter says so', () => {
    fc.assert(
      fc.property(jobs, running, (waiting, begun) => {
        const { start, reject } = schedule(waiting, countsOf(begun));
        assert.equal(new Set([...start, ...reject]).size, start.length + reject.length);
        const wanted = waiting.filter(({ filter }) => filter?.action === 'REJECT').map(({ id }) => id);
        assert.deepEqual(reject.toSorted(), wanted.toSorted());
      }),
    );
  });

  it('never starts a job that is paused or waits for others, and always one without a limit', () => {
    fc.assert(
      fc.property(jobs, running, (waiting, begun) => {
        const started = new Set(schedule(waiting, countsOf(begun)).start);
        for (const { id, blocked, filter } of waiting) {
          const action = filter?.action ?? 'ACCEPT';
          if (blocked || action === 'PAUSE') assert.ok(!started.has(id));
          else if (action === 'ACCEPT') assert.ok(started.has(id));
        }
      }),
    );
  });

  it('fills every rate limit, never passes it, and lets nobody overtake', () => {
    fc.assert(
      fc.property(jobs, running, (waiting, begun) => {
        const started = new Set(schedule(waiting, countsOf(begun)).start);
        for (const filter of filters.filter((each) => Array.isArray(each?.action))) {
          const ready = waiting.filter((job) => job.filter === filter && !job.blocked).toSorted(inOrder);
          const before = begun.filter((each) => each === filter).length;
          const places = Math.max(0, limitOf(filter) - before);
          assert.deepEqual(
            ready.filter(({ id }) => started.has(id)),
            ready.slice(0, places),
          );
        }
      }),
    );
  });

  it('has nothing more to do right after it has been followed', () => {
    fc.assert(
      fc.property(jobs, running, (waiting, begun) => {
        const { start, reject } = schedule(waiting, countsOf(begun));
        const left = waiting.filter(({ id }) => !start.includes(id) && !reject.includes(id));
        const now = [...begun, ...start.map((id) => waiting.find((job) => job.id === id)?.filter ?? null)];
        assert.deepEqual(schedule(left, countsOf(now)), { start: [], reject: [] });
      }),
    );
  });
});
