import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { CappedLog, LOG_FILE_LIMIT, readLogEnd } from '../../lib/node/capped-log.ts';
import { eventually } from '../helpers/program.ts';
import { Resources } from './helpers.ts';

const MODULE = new URL('../../lib/node/capped-log.ts', import.meta.url).href;

describe('a log with a limit', () => {
  const resources = new Resources();
  after(() => resources.close());

  const newPath = async () => join(await resources.folder(), 'serial.log');

  /** Whether a program runs that has this among its arguments. */
  async function isArgument(text: string): Promise<boolean> {
    for (const pid of await readdir('/proc')) {
      const line = /^[0-9]+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
      if (line.split('\0').includes(text)) return true;
    }
    return false;
  }

  /** Has a program write to the log by the pipe's name; the log is let go at once. */
  async function writeBy(log: CappedLog, script: string): Promise<void> {
    const child = spawn('/bin/sh', ['-c', `{ ${script}; } >"$1"`, 'sh', log.pipe], { stdio: 'ignore' });
    await once(child, 'exit');
    await log.close();
    await log.ended();
  }

  it('holds what was written, byte for byte, in files for the owner alone', async () => {
    const path = await newPath();
    const log = await CappedLog.open(path);
    await writeBy(log, `printf 'one\\n'; printf 'two \\0 \\377'`);
    assert.deepEqual(await readFile(path), Buffer.from('one\ntwo \0 \xff', 'latin1'));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dirname(path)), ['serial.log']);
  });

  it('shows each word at once', async () => {
    const path = await newPath();
    const log = await CappedLog.open(path);
    const input = await log.input();
    for (const text of ['U', 'Un', 'Uni']) {
      await input.write(text.slice(-1));
      while ((await readFile(path, 'utf8')) !== text) await new Promise(setImmediate);
    }
    await input.close();
    await log.close();
  });

  it('keeps the newest of what is too much, in two files of at most 1 MiB', async () => {
    const path = await newPath();
    await writeBy(await CappedLog.open(path), 'seq 1 400000');
    const [log, older] = await Promise.all([readFile(path, 'utf8'), readFile(`${path}.1`, 'utf8')]);
    assert.ok(log.length <= LOG_FILE_LIMIT && older.length <= LOG_FILE_LIMIT);
    assert.ok(older.length + log.length > LOG_FILE_LIMIT / 2);
    const lines = (older + log).split('\n');
    assert.deepEqual(lines.slice(-2), ['400000', '']);
    const first = Number(lines[1]);
    assert.deepEqual(
      lines.slice(1, -1).map(Number),
      Array.from({ length: 400_000 - first + 1 }, (_, index) => first + index),
    );
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(await readLogEnd(path, 10), '99\n400000\n');
    assert.equal(await readLogEnd(path, 2 * LOG_FILE_LIMIT), older + log);
  });

  it('begins again each time', async () => {
    const path = await newPath();
    await writeBy(await CappedLog.open(path), 'seq 1 180000');
    await writeBy(await CappedLog.open(path), 'echo new');
    assert.equal(await readFile(path, 'utf8'), 'new\n');
    assert.deepEqual(await readdir(dirname(path)), ['serial.log']);
  });

  it('holds its limit while the process that began it is dead', async () => {
    const path = await newPath();
    // The process hands the pipe to a program that floods it, and is killed.
    const script = `
      const { CappedLog } = await import(${JSON.stringify(MODULE)});
      const log = await CappedLog.open(${JSON.stringify(path)});
      const { spawn } = await import('node:child_process');
      const child = spawn('/bin/sh', ['-c', 'exec >"$1"; echo $$; exec cat /dev/zero', 'sh', log.pipe], { detached: true, stdio: 'ignore' });
      child.once('spawn', () => setTimeout(() => process.stdout.write(child.pid + '\\n'), 100));
      setInterval(() => undefined, 1000);`;
    const worker = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const flood = Number(
      String((await once(worker.stdout as NonNullable<ChildProcess['stdout']>, 'data'))[0]),
    );
    resources.add(async () => {
      try {
        process.kill(flood, 'SIGKILL');
      } catch {
        // it is gone
      }
    });
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    let rotations = 0;
    for (let inode = 0n; rotations < 2; ) {
      const older = await stat(`${path}.1`, { bigint: true }).catch(() => null);
      if (older && older.ino !== inode) rotations += 1;
      inode = older?.ino ?? inode;
      for (const name of await readdir(dirname(path))) {
        if (name.endsWith('.pipe')) continue;
        const { size } = await stat(join(dirname(path), name)).catch(() => ({ size: 0 }));
        assert.ok(size <= LOG_FILE_LIMIT, `${name} has ${size} bytes`);
      }
    }
    process.kill(flood, 'SIGKILL');
  });

  it('leaves no writer when its process dies before it has the pipe', async () => {
    const path = await newPath();
    const script = `
      import fs from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      const open = fs.open;
      fs.open = (path, ...how) => {
        if (!String(path).endsWith('.pipe')) return open(path, ...how);
        process.kill(process.pid, 'SIGKILL');
      };
      syncBuiltinESMExports();
      const { CappedLog } = await import(${JSON.stringify(MODULE)});
      await CappedLog.open(${JSON.stringify(path)});`;
    const worker = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    const [, signal] = await once(worker, 'exit');
    assert.equal(signal, 'SIGKILL');
    await eventually('the writer has ended', async () => !(await isArgument(path)) || null);
  });

  it('says why it cannot be made', async () => {
    const path = await newPath();
    await mkdir(`${path}.pipe`);
    await writeFile(join(`${path}.pipe`, 'kept'), '');
    await assert.rejects(CappedLog.open(path), (error: Error) => /\.pipe/.test(error.message));
    assert.equal(await isArgument(path), false);
  });

  it('reads and drops what cannot be written, so that nobody waits', async () => {
    const path = await newPath();
    const log = await CappedLog.open(path);
    const input = await log.input();
    await input.write('begun');
    await input.close();
    while ((await readFile(path, 'utf8')) === '') await new Promise(setImmediate);
    await rm(path);
    await symlink('/no/folder/for/logs', path);
    await writeBy(log, 'seq 1 60000'); // far more than a pipe holds
    await assert.rejects(readFile(path), { code: 'ENOENT' });
  });
});
