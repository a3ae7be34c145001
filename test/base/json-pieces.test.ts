import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringifyJson } from '../../lib/base/json.ts';
import { isLarge, stringifyInSlices } from '../../lib/base/json-pieces.ts';

const value = fc.oneof(fc.jsonValue(), fc.bigInt(), fc.constant(undefined), fc.array(fc.bigInt()));

describe('stringifyInSlices', () => {
  async function written(value: unknown): Promise<string[]> {
    const pieces: string[] = [];
    for await (const piece of stringifyInSlices(value)) pieces.push(piece);
    return pieces;
  }

  it('writes what stringifyJson writes', () =>
    fc.assert(
      fc.asyncProperty(value, fc.nat(1500), async (value, count) => {
        const large = { small: value, none: undefined, many: Array(count).fill(value), more: { value } };
        assert.equal((await written(large)).join(''), stringifyJson(large));
      }),
      { numRuns: 20 },
    ));

  it('writes pieces of a bounded length', async () => {
    const value = { rows: Array.from({ length: 20_000 }, (_, n) => ({ n, text: 'x'.repeat(20) })) };
    const pieces = await written(value);
    assert.ok(pieces.length > 5);
    assert.ok(Math.max(...pieces.map((piece) => piece.length)) < 200_000);
    assert.equal(pieces.join(''), JSON.stringify(value));
  });

  it('tells what is large', () => {
    assert.ok(
      isLarge(Array(2000).fill(0)) && isLarge(['x'.repeat(100_000)]) && isLarge({ a: [Array(2000)] }),
    );
    assert.ok(!isLarge({ a: [1, 'x'.repeat(1000)] }) && !isLarge('x'.repeat(100_000)) && !isLarge(null));
  });
});
