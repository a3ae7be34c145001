import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { clockOf, splitTime, systemClock } from '../../lib/base/clock.ts';

describe('systemClock', () => {
  it('tells the time in seconds and nanoseconds, with microseconds and never backwards', () => {
    const before = Date.now();
    let last = systemClock.nanoseconds();
    for (let turn = 0; turn < 1000; turn += 1) {
      const now = systemClock.nanoseconds();
      assert.ok(now >= last);
      assert.equal(now % 1000n, 0n);
      last = now;
    }
    assert.ok(last > 2n ** 53n);
    const seconds = systemClock.seconds();
    assert.ok(Math.abs(seconds * 1000 - before) < 60_000);
    assert.ok(Math.abs(Number(last / 1000n) / 1e6 - seconds) < 60);
    assert.equal(Number(seconds.toFixed(6)), seconds);
  });
});

const noTimer = () => assert.fail('nothing waits');

describe('clockOf', () => {
  it('goes with the machine when its clock is set, and never backwards in between', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), by: fc.double({ min: 0, max: 5000, noNaN: true }) }),
      fc.record({ do: fc.constant('slew' as const), by: fc.double({ min: -3, max: 3, noNaN: true }) }),
      fc.record({ do: fc.constant('set' as const), by: fc.integer({ min: -1e12, max: 1e12 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        let [machine, steady] = [1.7e12, 12.345];
        const clock = clockOf({
          wall: () => Math.floor(machine),
          steady: () => steady,
          timer: noTimer,
        });
        let last = clock.seconds();
        for (const { do: what, by } of steps) {
          const before = Math.floor(machine);
          if (what === 'pass') steady += by;
          machine += by;
          const now = clock.seconds();
          assert.ok(Math.abs(now * 1000 - machine) <= 1.01 || now === last, `${now * 1000} at ${machine}`);
          if (Math.floor(machine) >= before) assert.ok(now >= last, `${now} after ${last}`);
          else assert.ok(Math.abs(now * 1000 - machine) <= 1.01, `${now * 1000} at ${machine}`);
          last = now;
        }
      }),
    );
  });

  it('tells apart moments within a millisecond', () => {
    let steady = 0;
    const clock = clockOf({
      wall: () => Math.floor(1000 + steady),
      steady: () => steady,
      timer: noTimer,
    });
    const times = Array.from({ length: 10 }, () => {
      steady += 0.25;
      return clock.nanoseconds();
    });
    assert.deepEqual(
      times.map((time, index) => Number(time - (times[0] ?? 0n)) === index * 250_000),
      times.map(() => true),
    );
  });
});

describe('the timers of systemClock', () => {
  it('call back once in time, unless they are cancelled', async () => {
    const called: string[] = [];
    const cancelled = systemClock.timer(1, () => called.push('cancelled'));
    cancelled.cancel();
    const before = systemClock.now();
    await new Promise<void>((resolve) => systemClock.timer(5, resolve));
    assert.ok(systemClock.now() - before >= 4);
    assert.deepEqual(called, []);
  });

  it('wait longer than Node.js can in one go', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const longest = 2 ** 31 - 1;
    let calls = 0;
    const timer = systemClock.timer(2 * longest + 5, () => calls++).unref();
    for (const part of [longest, longest, 4]) context.mock.timers.tick(part);
    assert.equal(calls, 0);
    context.mock.timers.tick(1);
    assert.equal(calls, 1);
    timer.cancel();
  });

  it('end a sleep by the reason of its signal, also of one that has fired before', async () => {
    const over = new AbortController();
    const slept = systemClock.sleep(60_000, { signal: over.signal });
    over.abort(new Error('enough'));
    await assert.rejects(slept, { message: 'enough' });
    await assert.rejects(systemClock.sleep(60_000, { signal: over.signal }), { message: 'enough' });
  });

  it('let a signal fire that says why', async () => {
    const { signal } = systemClock.timeout(1);
    await assert.rejects(systemClock.sleep(60_000, { signal }), { name: 'TimeoutError', message: /1 ms/ });
  });
});

describe('splitTime', () => {
  it('gives whole seconds and microseconds', () => {
    assert.deepEqual(splitTime(1795226683.946214), [1795226683, 946214]);
    assert.deepEqual(splitTime(5), [5, 0]);
    assert.deepEqual(splitTime(5.9999999), [6, 0], 'rounding up carries over');
  });

  it('loses nothing of a time in microseconds', () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999 }), (whole, part) => {
        assert.deepEqual(splitTime(Number(`${whole}.${String(part).padStart(6, '0')}`)), [whole, part]);
      }),
    );
  });
});
