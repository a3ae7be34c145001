import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { lockFolder } from '../../lib/node/lock.ts';
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
});
