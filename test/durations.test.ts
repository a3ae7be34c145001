import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { balanced } from './durations.ts';

const cases = fc.record({
  durations: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.double({ min: 0, max: 300, noNaN: true })),
  unknown: fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,6}$/)),
  count: fc.integer({ min: 1, max: 4 }),
});

describe('the shares of test processes', () => {
  it('hold every file once', () => {
    fc.assert(
      fc.property(cases, ({ durations, unknown, count }) => {
        const files = [...Object.keys(durations), ...unknown];
        const shares = balanced(files, durations, count);
        assert.equal(shares.length, count);
        assert.deepEqual(shares.flat().sort(), [...files].sort());
      }),
    );
  });

  it('differ by no more than the longest file', () => {
    fc.assert(
      fc.property(cases, ({ durations, count }) => {
        const sums = balanced(Object.keys(durations), durations, count).map((files) =>
          files.reduce((sum, file) => sum + (durations[file] ?? 0), 0),
        );
        const longest = Math.max(0, ...Object.values(durations));
        assert.ok(Math.max(...sums) - Math.min(...sums) <= longest + 1e-9);
      }),
    );
  });
});
