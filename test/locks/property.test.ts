import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import fc from 'fast-check';
import { type Grant, LockManager } from '../../lib/locks/manager.ts';
import { ALL, type LockPlan, lockLevels } from '../../lib/model/locks.ts';

const plans = fc.array(
  fc.record({
    level: fc.constantFrom(...lockLevels.slice(1, 4)),
    names: fc.oneof(
      { weight: 1, arbitrary: fc.constant(ALL as typeof ALL) },
      { weight: 4, arbitrary: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }) },
    ),
    mode: fc.constantFrom('shared' as const, 'exclusive' as const),
  }),
  { maxLength: 4 },
);

const requests = fc.array(
  fc.record({
    plan: plans,
    priority: fc.integer({ min: -20, max: 19 }),
    age: fc.integer({ min: 1, max: 5 }),
    abort: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

/** The rule in its plainest words, written apart from the code under test. */
function clash(a: Grant, b: Grant): boolean {
  return a.locks.some((one) =>
    b.locks.some(
      (other) =>
        one.level === other.level &&
        (one.name === other.name || one.name === ALL || other.name === ALL) &&
        (one.mode === 'exclusive' || other.mode === 'exclusive'),
    ),
  );
}

function covers(grant: Grant, plan: LockPlan): boolean {
  return plan.every(({ level, names, mode }) =>
    (typeof names === 'string' ? [names] : names).every((name) =>
      grant.locks.some(
        (lock) =>
          lock.level === level &&
          (lock.name === name || lock.name === ALL) &&
          (lock.mode === 'exclusive' || mode === 'shared'),
      ),
    ),
  );
}

describe('LockManager with any plans, priorities and aborts', () => {
  it('never grants what conflicts, never blocks for good, serves everyone and leaves nothing', async () => {
    await fc.assert(
      fc.asyncProperty(requests, fc.infiniteStream(fc.nat()), async (wanted, dice) => {
        const roll = (sides: number) => Number(dice.next().value) % sides;
        const manager = new LockManager();
        const holding: Grant[] = [];
        const incomplete: number[] = [];
        const open = new Map<number, AbortController>();
        wanted.forEach(({ plan, priority, age }, index) => {
          const abort = new AbortController();
          open.set(index, abort);
          manager.acquire(`job ${index}`, plan, { priority, age, signal: abort.signal }).then(
            (grant) => {
              open.delete(index);
              if (!covers(grant, plan)) incomplete.push(index);
              holding.push(grant);
            },
            () => open.delete(index),
          );
        });
        await settle();
        while (holding.length > 0 || open.size > 0) {
          for (const [index, one] of holding.entries())
            for (const other of holding.slice(index + 1)) assert.ok(!clash(one, other));
          const abortable = [...open].filter(([index]) => wanted[index]?.abort);
          if (abortable.length > 0 && roll(3) === 0) {
            (abortable[roll(abortable.length)] as [number, AbortController])[1].abort();
          } else {
            assert.ok(holding.length > 0, 'everyone waits and nobody holds: a deadlock');
            const index = roll(holding.length);
            const grant = holding[index] as Grant;
            const lock = grant.locks[roll(grant.locks.length || 1)];
            const deed = roll(4);
            if (lock && deed === 0) grant.downgrade(lock.level, [lock.name]);
            else if (lock && deed === 1) grant.release(lock.level, [lock.name]);
            else {
              grant.release();
              holding.splice(index, 1);
            }
          }
          await settle();
        }
        assert.deepEqual(incomplete, []);
        assert.equal(manager.size, 0);
        const everything: LockPlan = lockLevels.map((level) => ({ level, names: ALL, mode: 'exclusive' }));
        const last = await manager.acquire('last', everything, { priority: 19, age: 99 });
        last.release();
      }),
      { numRuns: 150 },
    );
  });

  it('grants again whatever was granted, also after partial releases', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(), fc.boolean(), async (plan, choice, weaken) => {
        const grant = await new LockManager().acquire('a', plan, { priority: 0, age: 1 });
        const lock = grant.locks[choice % (grant.locks.length || 1)];
        if (lock && weaken) grant.downgrade(lock.level, [lock.name]);
        else if (lock) grant.release(lock.level, [lock.name]);
        const again = new LockManager().regrant('a', grant.locks);
        assert.deepEqual(again.locks, grant.locks);
      }),
      { numRuns: 100 },
    );
  });
});
