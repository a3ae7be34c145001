import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkTag, MAX_TAG_LENGTH } from '../../lib/model/tag.ts';

describe('checkTag', () => {
  it('accepts letters, digits and the signs that Ganeti allows', () => {
    for (const tag of [
      'a',
      'A1',
      'service:dns',
      'x+y*z',
      'a/b',
      'a@b',
      'a_b-c.d',
      'a'.repeat(MAX_TAG_LENGTH),
    ])
      checkTag(tag);
  });

  it('refuses empty, long and odd ones', () => {
    for (const tag of ['', 'a'.repeat(MAX_TAG_LENGTH + 1), 'a b', 'ä', 'a\n', 'a,b', "a'", 'a#'])
      assert.throws(() => checkTag(tag), { code: 'invalid_tag' }, JSON.stringify(tag));
  });
});
