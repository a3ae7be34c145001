import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { folderHolder, lockFolder } from '../../lib/node/lock.ts';
import { bootId, findProcess } from '../../lib/node/processes.ts';
import { Resources } from './helpers.ts';

describe('folder lock', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('lets only one in at a time, of this process too', async () => {
    const folder = await resources.folder();
    const lock = await lockFolder(folder);
    await assert.rejects(lockFolder(folder), {
      code: 'wrong_state',
      message: new RegExp(String(process.pid)),
    });
    await lock.release();
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(join(folder, 'lock')), []);
  });

  it('lets never two in that come at the same moment', async () => {
    const folder = await resources.folder();
    const attempts = await Promise.allSettled([lockFolder(folder), lockFolder(folder), lockFolder(folder)]);
    const winners = attempts.filter((attempt) => attempt.status === 'fulfilled');
    assert.equal(winners.length, 1);
    for (const { value } of winners) await value.release();
  });

  it('respects another living process and removes what is stale', async () => {
    const folder = await resources.folder();
    const holder = spawn('sleep', ['60']);
    await once(holder, 'spawn');
    const pid = holder.pid as number;
    const start = (await findProcess(pid))?.start as string;
    const boot = await bootId();
    await mkdir(join(folder, 'lock'));
    const put = (name: string) => writeFile(join(folder, 'lock', name), '');
    // The same number, but another process; and a process of before the machine was started.
    await put(`${pid}-${Number(start) - 1}-${boot}`);
    await put(`${pid}-${start}-00000000-0000-0000-0000-000000000000`);
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(join(folder, 'lock')), []);

    await put(`${pid}-${start}-${boot}`);
    await assert.rejects(lockFolder(folder), { code: 'wrong_state', message: new RegExp(`id ${pid};`) });
    assert.deepEqual(await readdir(join(folder, 'lock')), [`${pid}-${start}-${boot}`]);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockFolder(folder)).release();
  });

  /** A process that takes the folder and keeps it, and its words: "locked" or the refusal. */
  async function locker(folder: string, within: string[] = []) {
    const module = new URL('../../lib/node/lock.ts', import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then(async ({ lockFolder }) => {
      await lockFolder(process.argv[1]);
      console.log('locked');
      setInterval(() => {}, 1e6);
    }).catch((error) => console.log(error.message));`;
    const [program = '', ...args] = [...within, process.execPath, '--import', 'tsx', '-e', code, folder];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    resources.add(async () => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, said: String(line) };
  }

  it('is given back by the kernel when its process is killed', async () => {
    const folder = await resources.folder();
    const { child, said } = await locker(folder);
    assert.equal(said, 'locked\n');
    assert.deepEqual(await folderHolder(folder), { pid: child.pid });
    await assert.rejects(lockFolder(folder), {
      code: 'wrong_state',
      message: new RegExp(`id ${child.pid};`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await folderHolder(folder), null);
    await (await lockFolder(folder)).release();
  });

  const isRoot = process.getuid?.() === 0;
  it('holds across namespaces of processes', {
    skip: !isRoot && 'only root can make namespaces',
  }, async () => {
    const folder = await resources.folder();
    const away = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const first = await locker(folder, away);
    assert.equal(first.said, 'locked\n');
    const second = await locker(folder, away);
    assert.match(second.said, /is in use by/);
    await assert.rejects(lockFolder(folder), { code: 'wrong_state', message: /is in use by/ });
    assert.ok(await folderHolder(folder));
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    for (;;) {
      // The namespace ends after its first process.
      const lock = await lockFolder(folder).catch(() => null);
      if (lock) return lock.release();
    }
  });
});
