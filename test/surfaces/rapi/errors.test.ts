import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, MerapiError } from '../../../lib/base/errors.ts';
import {
  errorAnswer,
  FixedMessageError,
  RefusedRequest,
  type Status,
} from '../../../lib/surfaces/rapi/errors.ts';

test('every error code has an answer that tells what happened, beside the texts that are fixed', () => {
  for (const code of errorCodes) {
    const answer = errorAnswer(new MerapiError(code, 'What happened'));
    assert.ok(answer.code >= 400 && answer.code <= 504, code);
    assert.equal(answer.detail ?? answer.message, 'What happened');
    assert.notEqual(answer.explain, undefined);
  }
});

test('the texts that clients match', () => {
  const text = (what: MerapiError['code'] | Status) => {
    const error =
      typeof what === 'number' ? new RefusedRequest(what, 'This one') : new MerapiError(what, 'This one');
    const { code: status, message, explain, detail } = errorAnswer(error);
    return [`${status} ${message}: ${explain}`, detail];
  };
  assert.deepEqual(text(401), ['401 Unauthorized: No permission -- see authorization schemes', 'This one']);
  assert.deepEqual(text('forbidden'), [
    '403 Forbidden: Request forbidden -- authorization will not help',
    'This one',
  ]);
  assert.deepEqual(text('not_found'), ['404 Not Found: Nothing matches the given URI', 'This one']);
  assert.deepEqual(text(415), ['415 Unsupported Media Type: Entity body in unsupported format', 'This one']);
  assert.deepEqual(text('wrong_input'), [
    '400 This one: Bad request syntax or unsupported method',
    undefined,
  ]);
});

test('an error may bring its own fixed message', () => {
  assert.deepEqual(errorAnswer(new FixedMessageError('forbidden', 'Not this', 'It is fixed')), {
    code: 403,
    message: 'Not this',
    explain: 'Request forbidden -- authorization will not help',
    detail: 'It is fixed',
  });
});

test('the statuses that clients count on', () => {
  const status = (code: MerapiError['code']) => errorAnswer(new MerapiError(code, '')).code;
  assert.equal(status('wrong_input'), 400);
  assert.equal(status('forbidden'), 403);
  assert.equal(status('not_found'), 404);
  assert.equal(status('too_large'), 413);
  assert.equal(status('conflict'), 409);
  assert.equal(status('unsupported'), 501);
  assert.equal(status('node_unreachable'), 502);
  assert.equal(status('guest_agent'), 502);
  assert.equal(status('timeout'), 504);
  assert.equal(status('unavailable'), 503);
});

test('what is no MerapiError is 500 and its text stays inside', () => {
  const answer = errorAnswer(new TypeError('password is hunter2'));
  assert.equal(answer.code, 500);
  assert.ok(!JSON.stringify(answer).includes('hunter2'));
  assert.equal(answer.explain, 'Server got itself in trouble');
});
