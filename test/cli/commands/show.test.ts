import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { objectsOf, outline, tableText } from '../../../lib/cli/commands/show.ts';
import type { QueryAnswer } from '../../../lib/query/define.ts';

const field = (name: string, kind: 'text' | 'unit' | 'bool' | 'other') => ({
  name,
  title: name.toUpperCase(),
  kind,
  doc: '',
});
const answer: QueryAnswer = {
  fields: [field('name', 'text'), field('ram', 'unit'), field('on', 'bool'), field('tags', 'other')],
  data: [
    [
      [0, 'web'],
      [0, 1536],
      [0, true],
      [0, ['a', 'b']],
    ],
    [
      [0, 'database'],
      [2, null],
      [4, null],
      [3, null],
    ],
  ],
};

describe('what commands show', () => {
  it('is a table with numbers at the right', () => {
    assert.equal(
      tableText(answer, true),
      [
        'NAME            RAM  ON         TAGS',
        'web            1.5G  yes        a,b',
        'database  (no data)  (offline)  -',
        '',
      ].join('\n'),
    );
    assert.equal(tableText({ ...answer, data: [] }, false), '');
  });

  it('is a list of objects for programs', () =>
    assert.deepEqual(objectsOf(answer), [
      { name: 'web', ram: 1536, on: true, tags: ['a', 'b'] },
      { name: 'database', ram: null, on: null, tags: null },
    ]));

  it('is an outline of one object', () =>
    assert.equal(
      outline({ name: 'web', nic: [{ mac: 'aa' }], tags: [], be: { vcpus: 1 }, none: null }),
      'name: web\nnic:\n  -\n    mac: aa\ntags: -\nbe:\n  vcpus: 1\nnone: -\n',
    ));
});
