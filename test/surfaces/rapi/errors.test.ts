import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, MerapiError } from '../../../lib/base/errors.ts';
import { errorAnswer } from '../../../lib/surfaces/rapi/errors.ts';

test('every error code has an answer with the message as it is', () => {
  for (const code of errorCodes) {
    const answer = errorAnswer(new MerapiError(code, 'What happened'));
    assert.ok(answer.code >= 400 && answer.code <= 503, code);
    assert.equal(answer.message, 'What happened');
    assert.notEqual(answer.explain, undefined);
  }
});

test('the statuses that clients count on', () => {
  const status = (code: MerapiError['code']) => errorAnswer(new MerapiError(code, '')).code;
  assert.equal(status('bad_request'), 400);
  assert.equal(status('unauthorized'), 401);
  assert.equal(status('forbidden'), 403);
  assert.equal(status('not_found'), 404);
  assert.equal(status('too_large'), 413);
  assert.equal(status('unsupported_media_type'), 415);
  assert.equal(status('unsupported_method'), 501);
  assert.equal(status('node_unreachable'), 502);
  assert.equal(status('unavailable'), 503);
});

test('what is no MerapiError is 500 and its text stays inside', () => {
  const answer = errorAnswer(new TypeError('password is hunter2'));
  assert.equal(answer.code, 500);
  assert.ok(!JSON.stringify(answer).includes('hunter2'));
  assert.equal(answer.explain, 'Server got itself in trouble');
});
