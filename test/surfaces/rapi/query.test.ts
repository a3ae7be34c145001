import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryArgs } from '../../../lib/surfaces/rapi/query.ts';

test('arguments: the first value counts and an empty one is none', () => {
  const args = new QueryArgs('bulk=0&bulk=1&tag=&tag=a%20b&tag=c+d&tag=%C3%A9&empty=&bare');
  assert.equal(args.flag('bulk'), false);
  assert.deepEqual(args.all('tag'), ['a b', 'c d', 'é']);
  assert.equal(args.text('empty'), null);
  assert.equal(args.flag('bare'), false);
  assert.equal(args.text('missing'), null);
  assert.equal(new QueryArgs('bulk=&bulk=1').flag('bulk'), true);
});

test('flags are integers', () => {
  for (const [text, value] of [
    ['1', true],
    ['2', true],
    ['-1', true],
    ['%2B1', true],
    ['%201%20', true],
    ['9999999999999999999999', true],
    ['0', false],
    ['-0', false],
    ['00', false],
  ] as const)
    assert.equal(new QueryArgs(`f=${text}`).flag('f'), value, text);
  for (const text of ['x', 'true', '1.0', '0x1', '1e1', '--1', 'null'])
    assert.throws(() => new QueryArgs(`f=${text}`).flag('f'), { code: 'wrong_input', message: /'f'/ }, text);
});
