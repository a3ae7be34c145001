import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { splitTime, systemClock } from '../../lib/base/clock.ts';

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
