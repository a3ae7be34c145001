import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { MerapiError } from '../../../../lib/base/errors.ts';
import { silentLogger } from '../../../../lib/base/log.ts';
import {
  findByPidFile,
  identify,
  type ProcessId,
  runs,
} from '../../../../lib/node/hypervisors/kvm/process.ts';
import { KvmHypervisor } from '../../../../lib/node/hypervisors/kvm.ts';
import { Resources } from '../../helpers.ts';
import { kvmInstance, NotedNetwork, tinyDisk } from '../kvm-helpers.ts';

describe('a guest of kvm whose record is not understood', () => {
  const resources = new Resources();
  after(() => resources.close());

  const create = (folder: string) =>
    new KvmHypervisor({ folder, network: new NotedNetwork(), log: silentLogger, accel: 'tcg' });

  /** A guest that runs, with nobody who follows it; `path` is its record. */
  async function abandoned(name: string) {
    const folder = await resources.folder();
    const web = kvmInstance(name);
    const path = join(folder, 'guests', web.uuid, 'runtime.json');
    const first = create(folder);
    await first.open();
    await first.start(web, { sources: [{ path: await tinyDisk(folder, web) }], paused: false });
    const found = (await findByPidFile(join(folder, 'guests'))).get(web.uuid) as ProcessId;
    resources.add(async () => {
      if (await runs(found)) process.kill(found.pid, 'SIGKILL');
    });
    await first.close();
    return { folder, web, path, found, text: await readFile(path, 'utf8') };
  }

  const damages: Record<string, (path: string, text: string) => Promise<unknown>> = {
    'an unknown phase': (path, text) => writeFile(path, text.replace('"running"', '"migrating"')),
    'a newer format': (path, text) => writeFile(path, text.replace('"format":1', '"format":2')),
    'a part of another type': (path, text) => writeFile(path, text.replace('"by_user":false', '"by_user":7')),
    'an end that is missing': (path, text) => writeFile(path, text.slice(0, -20)),
    'nothing in it': (path) => writeFile(path, ''),
    'bytes that are no text': (path) => writeFile(path, Buffer.from([0xff, 0xfe, 0x00])),
    'another kind of JSON': (path) => writeFile(path, '[1, 2]'),
    'a folder in its place': async (path) => {
      await rm(path);
      await mkdir(path);
    },
    'no file at all': (path) => rm(path),
  };

  it('goes on running, is reported and refused, whatever the record holds, and is taken up when it is mended', async () => {
    const { folder, web, path, found, text } = await abandoned('web');
    for (const [what, damage] of Object.entries(damages)) {
      await damage(path, text);
      const before = (await readdir(join(path, '..'))).sort();
      const driver = create(folder);
      await driver.open();
      assert.ok(await runs(found), `${what}: the guest runs`);
      const [facts] = driver.guests();
      assert.deepEqual([facts?.name, facts?.uuid, facts?.state], ['web', web.uuid, 'running'], what);
      assert.match(facts?.trouble ?? '', /runtime\.json \(the record of a guest\) .*; /, what);
      const refused = {
        code: 'configuration',
        message: /^Instance web: .*runtime\.json .*(repair the file|put the file back)/,
      };
      await assert.rejects(driver.start(web, { sources: [], paused: false }), refused, what);
      await assert.rejects(driver.stop(web, { timeout: 0, force: true }), refused, what);
      await assert.rejects(driver.reset(web), refused, what);
      await assert.rejects(driver.forget(web), refused, what);
      assert.ok(await runs(found), `${what}: the guest runs on`);
      assert.deepEqual((await readdir(join(path, '..'))).sort(), before, `${what}: its folder is as it was`);
      await rm(path, { recursive: true, force: true });
      await writeFile(path, text);
      await driver.reset(web);
      assert.equal(driver.guests()[0]?.trouble, undefined);
      await driver.close();
    }
    const driver = create(folder);
    await driver.open();
    await driver.stop(web, { timeout: 0, force: true });
    assert.equal(await runs(found), false);
    await driver.close();
  });

  it('keeps nobody from starting the worker when what is left of it cannot be removed', async () => {
    const folder = await resources.folder();
    const { uuid } = kvmInstance('web');
    await mkdir(join(folder, 'guests', uuid), { recursive: true });
    class Broken extends NotedNetwork {
      override async unplug(): Promise<void> {
        throw new MerapiError('configuration', 'the file is damaged');
      }
    }
    const network = new Broken();
    const driver = new KvmHypervisor({ folder, network, log: silentLogger, accel: 'tcg' });
    await driver.open();
    assert.deepEqual(driver.guests(), []);
    await driver.close();
  });

  it('keeps its folder when it does not run', async () => {
    const { folder, web, path, found, text } = await abandoned('gone');
    process.kill(found.pid, 'SIGKILL');
    while (await runs(found)) await new Promise((done) => setTimeout(done, 5));
    await writeFile(path, text.replace('"running"', '"migrating"'));
    const driver = create(folder);
    await driver.open();
    assert.equal(driver.guests()[0]?.state, 'stopped');
    await assert.rejects(driver.forget(web), { code: 'configuration' });
    assert.match(await readFile(path, 'utf8'), /migrating/);
    await driver.close();
    await rm(path);
    await writeFile(join(path, '..', 'note.txt'), 'of somebody else');
    const next = create(folder);
    await next.open();
    assert.deepEqual(next.guests(), []);
    assert.equal(await readFile(join(path, '..', 'note.txt'), 'utf8'), 'of somebody else');
    await next.close();
  });

  it('a record of the first release, which had no format, is taken up', async () => {
    const { folder, web, path, found, text } = await abandoned('old');
    await writeFile(path, text.replace('"format":1,', ''));
    const driver = create(folder);
    await driver.open();
    assert.deepEqual([driver.guests()[0]?.state, driver.guests()[0]?.trouble], ['running', undefined]);
    await driver.stop(web, { timeout: 0, force: true });
    assert.equal(await runs(found), false);
    await driver.close();
  });

  it('another process is never taken for the guest, whatever it calls itself or the record says', async () => {
    const { folder, web, path, found, text } = await abandoned('decoy');
    process.kill(found.pid, 'SIGKILL');
    while (await runs(found)) await new Promise((done) => setTimeout(done, 5));
    const words = ['-uuid', web.uuid, '-pidfile', join(folder, 'guests', web.uuid, 'pid')];
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '--', ...words], {
      stdio: 'ignore',
    });
    await once(other, 'spawn');
    assert.equal((await findByPidFile(join(folder, 'guests'))).size, 0);
    const sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(sleeper, 'spawn');
    const record = JSON.parse(text);
    await writeFile(path, JSON.stringify({ ...record, process: await identify(sleeper.pid as number) }));
    const driver = create(folder);
    await driver.open();
    assert.equal(driver.guests()[0]?.state, 'stopped');
    await driver.stop(web, { timeout: 0, force: true });
    await driver.forget(web);
    await driver.close();
    for (const child of [other, sleeper]) {
      assert.equal(child.exitCode ?? child.signalCode, null, 'it was not touched');
      child.kill('SIGKILL');
    }
  });
});
