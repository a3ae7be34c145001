// Kills the master with SIGKILL in the middle of creating a real instance, at several moments, and checks after each restart
// that the job ends in success and that exactly one guest and one disk exist. By hand: node --import tsx test/lab/kill-create.ts
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const start = fileURLToPath(new URL('../../bin/start', import.meta.url));
/** Milliseconds after the submission. */
const moments = [2, 30, 60, 90, 120];

interface Program {
  child: ChildProcess;
  url: string;
  password: string;
}

async function up(dir: string): Promise<Program> {
  const child = spawn(start, ['--dir', dir, '-p', '0', '--no-ssl', '--accel', 'tcg'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let url = '';
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    url = /^ready (.*)/.exec(line)?.[1] ?? url;
    const password = /^password: (.*)/.exec(line)?.[1];
    if (password) return { child, url, password };
  }
  throw new Error('bin/start ended before it was ready');
}

async function ask(program: Program, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(program.url + path, {
    method,
    headers: {
      authorization: `Basic ${btoa(`admin:${program.password}`)}`,
      'content-type': 'application/json',
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answer.json();
}

async function jobEnd(program: Program, id: unknown): Promise<{ status: string; opresult: unknown }> {
  for (;;) {
    const job = (await ask(program, 'GET', `/2/jobs/${id}`)) as { status: string; opresult: unknown };
    if (['success', 'error', 'canceled'].includes(job.status)) return job;
    await sleep(50);
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** The QEMU processes that run in a folder. */
async function guestsIn(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids
    .filter((_, index) => commands[index]?.includes('qemu') && commands[index]?.includes(dir))
    .map(Number);
}

const dir = await mkdtemp(join(tmpdir(), 'merapi-kill-'));
let program = await up(dir);
try {
  for (const [round, moment] of moments.entries()) {
    const name = `kill${round}.example.com`;
    const id = await ask(program, 'POST', '/2/instances', {
      __version__: 1,
      mode: 'create',
      name,
      os: 'demo',
      disk_template: 'file',
      disks: [{ size: 128 }],
      nics: [],
    });
    await sleep(moment);
    const before = (await ask(program, 'GET', `/2/jobs/${id}`)) as { status: string };
    const exit = ended(program.child);
    program.child.kill('SIGKILL');
    await exit;
    program = await up(dir);
    const job = await jobEnd(program, id);
    const disks = (await readdir(join(dir, 'file-storage'), { recursive: true })).filter((file) =>
      file.includes('.disk'),
    );
    const guests = await guestsIn(dir);
    console.log(
      `killed ${moment} ms after the submission (job ${before.status}): job ${id} ended in ${job.status}, ` +
        `${guests.length} guest, ${disks.length} disk`,
    );
    assert.equal(job.status, 'success');
    assert.deepEqual([guests.length, disks.length], [1, 1]);
    const removal = await jobEnd(
      program,
      await ask(program, 'DELETE', `/2/instances/${name}`, { shutdown_timeout: 0 }),
    );
    assert.equal(removal.status, 'success');
    assert.deepEqual(await guestsIn(dir), []);
  }
} finally {
  const exit = ended(program.child);
  program.child.kill('SIGTERM');
  await exit;
  for (const pid of await guestsIn(dir)) process.kill(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true });
}
