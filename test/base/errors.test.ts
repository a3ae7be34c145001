import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorCodes, errorText, fromFailure, MerapiError, toFailure } from '../../lib/base/errors.ts';

describe('errors', () => {
  it('keep their code and text through the stored form', () => {
    for (const code of errorCodes) {
      const failure = JSON.parse(JSON.stringify(toFailure(new MerapiError(code, `about ${code}`))));
      const cause = new Error('why');
      const error = fromFailure(failure, cause);
      assert.equal(error.code, code);
      assert.equal(error.message, `about ${code}`);
      assert.equal(error.cause, cause);
      assert.ok(error instanceof Error);
    }
  });

  it('count anything else that was thrown as a defect', () => {
    assert.deepEqual(toFailure(new TypeError('oops')), { code: 'internal_error', message: 'oops' });
    assert.deepEqual(toFailure('just a text'), { code: 'internal_error', message: 'just a text' });
    assert.equal(errorText(new Error('words')), 'words');
    assert.equal(errorText(5), '5');
  });
});
