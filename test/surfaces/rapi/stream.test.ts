import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonListing } from '../../../lib/surfaces/rapi/listed.ts';
import type { JsonPieces } from '../../../lib/surfaces/rapi/stream.ts';
import { jsonTable } from '../../../lib/surfaces/rapi/stream.ts';

async function parsed({ pieces }: JsonPieces): Promise<unknown> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return JSON.parse(text);
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

const listed: fc.Arbitrary<Record<string, unknown>> = fc.record({
  a: fc.jsonValue(),
  b: fc.jsonValue(),
  c: fc.jsonValue(),
});

describe('answers in pieces', () => {
  it('are the same JSON as in one piece: lists', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.array(listed)), async (pages) => {
        const wanted = JSON.parse(JSON.stringify(pages.flat()));
        const objects = pages.map((page) => ({
          objects: page.map((values) => ({ version: {}, valueOf: (field: string) => values[field] })),
          configured: ['a', 'b'],
          live: ['c'],
        }));
        for (let round = 0; round < 2; round++)
          assert.deepEqual(await parsed(jsonListing(each(objects))), wanted);
      }),
    ));

  it('are the same JSON as in one piece: objects with a long list of rows', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.jsonValue(), { maxLength: 5 }), { maxLength: 50 }),
        fc.nat(3000),
        async (rows, length) => {
          const head = { fields: ['a"b'], n: 1 };
          const [long] = rows;
          if (long) rows.push(Array(length).fill(long), [Array(length).fill(0), long, long]);
          const wanted = JSON.parse(JSON.stringify({ ...head, data: rows }));
          assert.deepEqual(await parsed(jsonTable(head, 'data', each(rows))), wanted);
        },
      ),
      { numRuns: 30 },
    ));

  it('never hold more than about one piece, however often a value stands in a row', async () => {
    const cell = [0, 'x'.repeat(5000)];
    const { pieces } = jsonTable({}, 'data', each(Array(20).fill(Array(1000).fill(cell))));
    let length = 0;
    for await (const piece of pieces) {
      assert.ok(piece.length < 200_000);
      length += piece.length;
    }
    assert.ok(length > 20 * 1000 * 5000);
  });
});
