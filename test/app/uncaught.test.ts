import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../lib/base/exec.ts';

test('what no code caught is logged: failures of the system and of nobody end nothing, a defect ends the program', async () => {
  const url = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href);
  const code = `
    const { outliveFailures } = await import(${url('app/uncaught.ts')});
    const { createLogger } = await import(${url('base/log.ts')});
    outliveFailures(createLogger('test', 'info'));
    const { Server } = await import('node:net');
    setImmediate(() => new Server().emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' })));
    Promise.reject(new Error('of nobody'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.stdout.write('goes on');
    setImmediate(() => { throw new TypeError('half changed'); });
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  `;
  const ended = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]);
  const lines = ended.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  assert.deepEqual([ended.code, ended.stdout], [1, 'goes on']);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    [
      'a rejection that no code handled: a defect; the program continues',
      'an error of the system; the program continues',
      'a defect; the program ends',
    ],
  );
});
