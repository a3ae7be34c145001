import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { MerapiError } from '../../lib/base/errors.ts';
import { isAlive, killGroup, run, runOrThrow } from '../../lib/base/exec.ts';
import { inFolder } from './folder.ts';

const shell = (script: string, options = {}) => run('/bin/sh', ['-c', script], options);

/** Whether a process is there and is no zombie that merely waits to be collected. */
function runs(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let turn = 0; runs(pid); turn += 1) {
    assert.ok(turn < 500, `process ${pid} is still there`);
    await pause(10);
  }
}

describe('run', { concurrency: true }, () => {
  it('gives the exit code and both outputs', async () => {
    const result = await shell('echo out; echo err >&2; exit 3');
    assert.deepEqual(result, { code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
    assert.equal((await shell('kill -TERM $$')).signal, 'SIGTERM');
  });

  it('hands over input, environment and folder, and no shell looks at arguments', async () => {
    assert.equal((await run('/bin/cat', [], { input: 'hällo' })).stdout, 'hällo');
    assert.equal((await shell('echo "$A-$HOME"', { env: { A: 'x' } })).stdout, 'x-\n');
    assert.equal((await shell('pwd', { cwd: '/' })).stdout, '/\n');
    assert.equal((await run('/bin/echo', ['$HOME; ls'])).stdout, '$HOME; ls\n');
  });

  it('does not mind a program that never reads its input', async () => {
    assert.equal((await run('/bin/true', [], { input: 'x'.repeat(1_000_000) })).code, 0);
  });

  it('keeps the end of a long output', async () => {
    const { stdout } = await shell(
      'i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done; echo end',
    );
    assert.equal(stdout.length, 64 * 1024);
    assert.ok(stdout.endsWith('123456789\nend\n'));
  });

  it('names a program that cannot be started', async () => {
    await assert.rejects(run('/nowhere/program', []), {
      code: 'environment_error',
      message: /\/nowhere\/program/,
    });
  });

  it('tells what of an environment or an argument cannot be passed, and never its value', async () => {
    const secret = 'TopSecret';
    const cases: [readonly string[], Record<string, string>, RegExp][] = [
      [[], { OSP_PW: `${secret}\0x` }, /the variable "OSP_PW" contains a NUL character/],
      [[], { [`a\0${'b'.repeat(200)}`]: secret }, /the variable "a\\u0000b+" contains a NUL character/],
      [[secret, `${secret}\0x`], {}, /argument 2 contains a NUL character/],
      [
        [],
        { OSP_PW: secret.repeat(20_000) },
        /"OSP_PW" has 180007 bytes; at most 131071 can be passed to a program/,
      ],
      [[secret.repeat(20_000)], {}, /argument 1 has 180000 bytes/],
    ];
    for (const [args, env, message] of cases)
      await assert.rejects(run('/bin/true', args, { env }), (error: MerapiError) => {
        assert.equal(error.code, 'environment_error');
        assert.match(error.message, message);
        assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(secret));
        return true;
      });
    const longest = { A: 'x'.repeat(131_071 - 'A='.length) };
    assert.equal((await run('/bin/true', [], { env: longest })).code, 0);
  });

  it('tells how large an environment is that the system does not pass on', async () => {
    const env = Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`V${n}`, 'x'.repeat(100_000)]));
    await assert.rejects(run('/bin/true', [], { env: { ...env, LARGE: 'x'.repeat(110_000) } }), {
      code: 'environment_error',
      message:
        /larger than the system accepts \(E2BIG\); they have 81\d{5} bytes, the largest variable is LARGE with 110007/,
    });
  });

  it('kills the whole process group when the time is over', () =>
    inFolder(async (folder) => {
      let group = 0;
      const running = shell('sleep 1000 & echo $! > child; sleep 1000', {
        cwd: folder,
        timeout: 2000,
        onStart: (pid: number) => {
          group = pid;
        },
      });
      await assert.rejects(running, { code: 'timeout', message: /did not end within 2 s/ });
      await untilGone(group);
      await untilGone(Number(await readFile(join(folder, 'child'), 'utf8')));
    }));

  it('comes back in time even when a program that left the group holds the outputs open', () =>
    inFolder(async (folder) => {
      const script = "setsid sh -c 'echo $$ > child; exec sleep 1000' & wait";
      await assert.rejects(shell(script, { cwd: folder, timeout: 2000 }), { code: 'timeout' });
      const escaped = Number(await readFile(join(folder, 'child'), 'utf8'));
      assert.ok(runs(escaped));
      killGroup(escaped);
      await untilGone(escaped);
    }));

  it('ends the program when what was to happen at its start fails', async () => {
    let group = 0;
    const failure = new Error('cannot record it');
    const running = shell('sleep 1000', {
      onStart: (pid: number) => {
        group = pid;
        return Promise.reject(failure);
      },
    });
    await assert.rejects(running, (error) => error === failure);
    await untilGone(group);
  });
});

describe('runOrThrow', () => {
  it('gives the output, or an error that ends with the last words of the program', async () => {
    assert.equal(await runOrThrow('/bin/echo', ['x']), 'x\n');
    const script = 'for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 4';
    await assert.rejects(runOrThrow('/bin/sh', ['-c', script]), {
      code: 'execution',
      message: '/bin/sh failed with exit code 4: line 3\nline 4\nline 5\nline 6\nline 7',
    });
    await assert.rejects(runOrThrow('/bin/sh', ['-c', 'echo sorry; kill -KILL $$']), {
      message: '/bin/sh was ended by SIGKILL: sorry',
    });
  });
});

describe('killGroup and isAlive', () => {
  it('pass over what is gone', async () => {
    let pid = 0;
    await shell('exit 0', {
      onStart: (started: number) => {
        pid = started;
      },
    });
    killGroup(pid);
    assert.equal(isAlive(pid), false);
    assert.equal(isAlive(process.pid), true);
  });
});
