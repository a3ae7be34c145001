import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonPieces } from '../../../lib/surfaces/rapi/stream.ts';
import { jsonList, jsonObject } from '../../../lib/surfaces/rapi/stream.ts';

async function parsed({ pieces }: JsonPieces): Promise<unknown> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return JSON.parse(text);
}

async function* each(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

describe('answers in pieces', () => {
  it('are the same JSON as in one piece: lists', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.jsonValue(), { minLength: 1 })), async (batches) => {
        const texts = batches.map((batch) => batch.map((value) => JSON.stringify(value)).join(','));
        const wanted = JSON.parse(`[${texts.filter(Boolean).join(',')}]`);
        assert.deepEqual(await parsed(jsonList(each(texts))), wanted);
      }),
    ));

  it('are the same JSON as in one piece: objects with a long list', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 350 }), async (values) => {
        const head = { fields: ['a"b'], n: 1 };
        const wanted = JSON.parse(JSON.stringify({ ...head, data: values }));
        assert.deepEqual(await parsed(jsonObject(head, 'data', values)), wanted);
      }),
      { numRuns: 30 },
    ));
});
