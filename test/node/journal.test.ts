import assert from 'node:assert/strict';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { Journal } from '../../lib/node/journal.ts';
import { deferred, Resources } from './helpers.ts';

describe('call journal', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function open(folder: string): Promise<Journal> {
    const journal = await Journal.open(folder, { log: silentLogger, clock: systemClock });
    resources.add(() => journal.close());
    return journal;
  }

  it('runs a call once and gives its result again, also after a restart', async () => {
    const folder = await resources.folder();
    let runs = 0;
    const deed = async () => ({ run: ++runs });
    const journal = await open(folder);
    assert.deepEqual(await journal.once('a', 'x.y', deed), { run: 1 });
    assert.deepEqual(await journal.once('a', 'x.y', deed), { run: 1 });
    await journal.close();
    assert.deepEqual(await (await open(folder)).once('a', 'x.y', deed), { run: 1 });
    assert.deepEqual(await (await open(folder)).once('b', 'x.y', deed), { run: 2 });
  });

  it('has the outcome on disk before it gives it', async () => {
    const folder = await resources.folder();
    const journal = await open(folder);
    const [file] = await journal.once('a', 'x.y', async () => ({ done: 'yes' })).then(() => readdir(folder));
    const entry = JSON.parse(await readFile(join(folder, file as string), 'utf8'));
    assert.deepEqual(entry, { format: 1, id: 'a', call: 'x.y', result: { done: 'yes' } });
  });

  it('keeps the failures that belong to the closed set, and no others', async () => {
    const folder = await resources.folder();
    const journal = await open(folder);
    const errors = [new MerapiError('hypervisor', 'first'), new MerapiError('hypervisor', 'second')];
    const fail = async () => {
      throw errors.shift();
    };
    await assert.rejects(journal.once('a', 'x.y', fail), { code: 'hypervisor', message: 'first' });
    await assert.rejects((await open(folder)).once('a', 'x.y', fail), {
      code: 'hypervisor',
      message: 'first',
    });
    const defect = async () => {
      throw new TypeError('defect');
    };
    await assert.rejects(journal.once('b', 'x.y', defect), { message: 'defect' });
    assert.equal(await journal.once('b', 'x.y', async () => 'repaired'), 'repaired');
  });

  it('joins a repeated call to the one under way', async () => {
    const journal = await open(await resources.folder());
    const work = deferred<string>();
    let runs = 0;
    const deed = () => {
      runs++;
      return work.promise;
    };
    const both = [journal.once('a', 'x.y', deed), journal.once('a', 'x.y', deed)];
    work.resolve('done');
    assert.deepEqual(await Promise.all(both), ['done', 'done']);
    assert.equal(runs, 1);
  });

  it('refuses an id that stands for another call, under way or finished', async () => {
    const journal = await open(await resources.folder());
    const work = deferred<string>();
    const first = journal.once('a', 'x.y', () => work.promise);
    const other = () => journal.once('a', 'x.z', async () => 'wrong');
    await assert.rejects(other(), { code: 'wrong_input' });
    work.resolve('done');
    await first;
    await assert.rejects(other(), { code: 'wrong_input' });
  });

  it('keeps nothing that ends after it was closed, and waits for it', async () => {
    for (const ending of ['success', 'failure']) {
      const folder = await resources.folder();
      const journal = await open(folder);
      const work = deferred<void>();
      const call = journal.once('a', 'x.y', async () => {
        await work.promise;
        if (ending === 'failure') throw new MerapiError('hypervisor', 'cut off');
        return 'cut off';
      });
      const refused = assert.rejects(call, { code: 'unavailable' });
      const closed = journal.close();
      work.resolve();
      await closed;
      await refused;
      assert.deepEqual(await readdir(folder), []);
      assert.equal(await (await open(folder)).once('a', 'x.y', async () => 'again'), 'again');
    }
  });

  it('removes what is older than seven days', async () => {
    const folder = await resources.folder();
    const journal = await open(folder);
    for (const id of ['old', 'young']) await journal.once(id, 'x.y', async () => id);
    await writeFile(join(folder, 'left-by-a-crash.tmp'), '');
    const day = 24 * 3600;
    for (const file of await readdir(folder)) {
      const isYoung = (await readFile(join(folder, file), 'utf8')).includes('young');
      const time = Date.now() / 1000 - (isYoung ? 6.9 : 7.1) * day;
      await utimes(join(folder, file), time, time);
    }
    const next = await open(folder);
    while ((await readdir(folder)).length > 1) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(await next.once('young', 'x.y', async () => 'again'), 'young');
    assert.equal(await next.once('old', 'x.y', async () => 'again'), 'again');
  });
});
