import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ExportFolder } from '../../../lib/node/backup/folder.ts';
import { Resources } from '../helpers.ts';

describe('the folder of exports', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function make() {
    const folder = join(await resources.folder(), 'export');
    return { folder, exports: new ExportFolder(folder), names: async () => (await readdir(folder)).sort() };
  }
  const config = '[export]\nversion = 0\n\n';

  it('shows an export when it is finished, and the older one until then', async () => {
    const { exports, folder } = await make();
    assert.equal(await exports.list(), null);
    await exports.prepare('web');
    assert.deepEqual(await exports.list(), []);
    await writeFile(exports.newFile('web', 'disk'), 'one');
    await exports.finish('web', config);
    assert.deepEqual(await exports.list(), ['web']);
    await exports.finish('web', config);
    await exports.prepare('web');
    await writeFile(exports.newFile('web', 'half'), 'two');
    assert.deepEqual(await readdir(join(folder, 'web')), ['config.ini', 'disk']);
    await exports.discard('web');
    await exports.discard('web');
    const { path, config: found } = await exports.read('web');
    assert.deepEqual(
      { path, config: JSON.parse(JSON.stringify(found)) },
      {
        path: join(folder, 'web'),
        config: { export: { version: '0' } },
      },
    );
    await assert.rejects(exports.finish('web', '[export]\n'), {
      code: 'execution',
      message: /no export of web/,
    });
    await exports.remove('web');
    await exports.remove('web');
    assert.deepEqual(await exports.list(), []);
  });

  it('goes on where a crash cut it off', async () => {
    const { exports, folder, names } = await make();
    await exports.prepare('web');
    await exports.finish('web', config);
    await exports.prepare('web');
    await writeFile(exports.newFile('web', 'disk'), 'new');
    // As after a crash between the two renames of finish().
    await rename(join(folder, 'web'), join(folder, '.web.old'));
    await exports.finish('web', config);
    assert.deepEqual(await names(), ['web']);
    assert.deepEqual(await readdir(join(folder, 'web')), ['config.ini', 'disk']);
    // As after one before the older export was removed.
    await mkdir(join(folder, '.web.old'));
    await exports.finish('web', config);
    assert.deepEqual(await names(), ['web']);
  });

  it('gives nothing that is elsewhere', async () => {
    const { exports, folder } = await make();
    for (const path of ['..', '.', '', '/etc', `${folder}/..`, `${folder}/web/..`, 'a/b', '.web.new', folder])
      await assert.rejects(exports.read(path), {
        code: 'wrong_input',
        message: /exports of this node are in/,
      });
    for (const path of ['web', `${folder}/web`, `${folder}/web/`])
      assert.deepEqual(await exports.read(path), { path: join(folder, 'web'), config: null, sizes: {} });
    for (const file of ['../x', '/etc/passwd', '.', 'a/b'])
      assert.throws(() => exports.file('web', file), { code: 'wrong_input' });
    await exports.prepare('web');
    await exports.finish('web', 'nonsense\n');
    await assert.rejects(exports.read('web'), { code: 'environment_error', message: /config\.ini: Line 1/ });
  });
});
