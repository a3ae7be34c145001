import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../lib/base/exec.ts';

const logModule = new URL('../../lib/base/log.ts', import.meta.url).href;
const root = fileURLToPath(new URL('../..', import.meta.url));

describe('createLogger', () => {
  it('writes JSON lines to standard error and never a secret', async () => {
    const script = `
      const { createLogger } = await import(${JSON.stringify(logModule)});
      const log = createLogger('test', 'info');
      log.debug('not shown');
      log.info({ password: 'S1', user: 'u', a: { secret: 'S2', b: { key: 'S3' } },
                 headers: { authorization: 'S4' }, op: { osparams_private: { x: 'S5' }, osparams_secret: 'S6' } }, 'hello');
    `;
    const result = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: root,
    });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, '');
    const lines = result.stderr.trim().split('\n');
    assert.equal(lines.length, 1);
    const entry = JSON.parse(lines[0] as string);
    assert.equal(entry.msg, 'hello');
    assert.equal(entry.name, 'test');
    assert.equal(entry.user, 'u');
    assert.doesNotMatch(result.stderr, /S[1-6]/);
  });
});
