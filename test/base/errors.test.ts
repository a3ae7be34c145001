import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { z } from 'zod';
import {
  errorCodes,
  errorId,
  errorText,
  fromFailure,
  MerapiError,
  toFailure,
} from '../../lib/base/errors.ts';
import { loggedError } from '../../lib/base/log.ts';

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

  it('count anything else that was thrown as a defect, whose text is never told', () => {
    for (const error of [new TypeError('TopSecret'), 'TopSecret', { message: 'TopSecret' }]) {
      const { code, message } = toFailure(error);
      assert.equal(code, 'internal_error');
      assert.match(
        message,
        /^Something unexpected happened inside Merapi; search its log for error-[0-9a-f]{12}$/,
      );
      assert.doesNotMatch(errorText(error), /TopSecret/);
    }
  });

  it('have one id each, under which the log has them', () => {
    const error = new TypeError('TopSecret');
    const id = errorId(error);
    assert.ok(toFailure(error).message.endsWith(id));
    assert.equal(loggedError(error).id, id);
    assert.notEqual(errorId(new TypeError('TopSecret')), id);
  });

  it('of systems and libraries are told by what their code means', async () => {
    const missing = await readFile('/nowhere/TopSecret').catch((error) => error);
    assert.equal(errorText(missing), 'there is no such file or folder (ENOENT)');
    assert.match(
      toFailure(missing).message,
      /there is no such file or folder \(ENOENT\); search its log for/,
    );
    assert.equal(
      errorText(Object.assign(new Error('TopSecret'), { code: 'EWHATEVER' })),
      'the system reports the error EWHATEVER',
    );
    assert.equal(
      errorText(Object.assign(new Error('TopSecret'), { code: 'SQLITE_CORRUPT_INDEX' })),
      'database disk image is malformed (SQLITE_CORRUPT_INDEX)',
    );
  });

  it('of libraries are logged without their texts, whatever stands around them', async () => {
    const { error: zod } = z.object({ a: z.enum(['b']) }).safeParse({ a: 'TopSecret' });
    const foreign = [
      new Error('TopSecret\n    TopSecret'),
      await readFile('/nowhere/TopSecret').catch((error) => error),
      zod as Error,
      (() => {
        try {
          return JSON.parse('TopSecret');
        } catch (error) {
          return error;
        }
      })(),
      (() => {
        try {
          return spawn('/bin/true', { env: { A: 'TopSecret\0x' } });
        } catch (error) {
          return error;
        }
      })(),
    ];
    for (const error of foreign) {
      const logged = loggedError(new MerapiError('execution', 'It failed', { cause: error }));
      assert.equal(logged.message, 'It failed');
      const text = JSON.stringify(logged);
      assert.doesNotMatch(text, /TopSecret/);
      assert.match(text, /errors\.test\.ts|"code":"ENOENT"/, 'where it happened');
    }
  });
});
