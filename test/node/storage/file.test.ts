import assert from 'node:assert/strict';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError } from '../../../lib/base/errors.ts';
import { FileStorage } from '../../../lib/node/storage/file.ts';
import { StoragePaths } from '../../../lib/node/storage/paths.ts';
import { createStorage } from '../../../lib/node/storage/registry.ts';
import { fileDisk, Resources } from '../helpers.ts';
import { fileData, storageConformance } from './conformance.ts';

const ROOT = '/srv/cluster/disks';

for (const template of ['file', 'sharedfile'] as const)
  storageConformance(template, async (resources) => ({
    driver: new FileStorage(
      new StoragePaths([ROOT], [{ from: ROOT, to: await resources.folder() }]),
      template,
    ),
    disks: [fileDisk(`${ROOT}/web/one`, 2), fileDisk(`${ROOT}/web/two`, 2)],
    data: fileData,
  }));

describe('file storage', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function make(): Promise<{ root: string; driver: FileStorage }> {
    const root = await resources.folder();
    return { root, driver: new FileStorage(new StoragePaths([root], [])) };
  }

  it('makes sparse files that others cannot read', async () => {
    const { root, driver } = await make();
    await driver.create(fileDisk(join(root, 'web', 'big'), 100_000));
    const { size, blocks, mode } = await stat(join(root, 'web', 'big'));
    assert.equal(size, 100_000 * 1024 * 1024);
    assert.ok(blocks * 512 < 1024 * 1024);
    assert.equal(mode & 0o777, 0o600);
  });

  it('finishes a file that a crash left without its size', async () => {
    const { root, driver } = await make();
    await mkdir(join(root, 'web'));
    await writeFile(join(root, 'web', 'disk'), '');
    await driver.create(fileDisk(join(root, 'web', 'disk'), 3));
    assert.equal((await stat(join(root, 'web', 'disk'))).size, 3 * 1024 * 1024);
  });

  it('removes the folder of an instance with its last disk, never a root or what is not empty', async () => {
    const root = await resources.folder();
    const driver = new FileStorage(new StoragePaths([root, join(root, 'nested')], []));
    const disks = [
      join(root, 'web', 'a'),
      join(root, 'web', 'b'),
      join(root, 'nested', 'c'),
      join(root, 'd'),
    ];
    for (const path of disks) await driver.create(fileDisk(path));
    await driver.remove(fileDisk(join(root, 'web', 'a')));
    assert.deepEqual(await readdir(join(root, 'web')), ['b']);
    for (const path of disks) await driver.remove(fileDisk(path));
    assert.deepEqual(await readdir(root), ['nested']);
  });

  it('keeps a root that a renamed disk leaves empty, and removes the folder of an instance', async () => {
    const root = await resources.folder();
    const driver = new FileStorage(new StoragePaths([root, join(root, 'nested')], []));
    const [first, second, third] = [join(root, 'nested', 'a'), join(root, 'web', 'a'), join(root, 'db', 'a')];
    await driver.create(fileDisk(first));
    await driver.rename(fileDisk(first), fileDisk(second));
    assert.deepEqual((await readdir(root)).sort(), ['nested', 'web']);
    await driver.rename(fileDisk(second), fileDisk(third));
    await driver.rename(fileDisk(second), fileDisk(third));
    assert.deepEqual((await readdir(root)).sort(), ['db', 'nested']);
  });

  it('says as block_device why a disk cannot be renamed', async () => {
    const { root, driver } = await make();
    await writeFile(join(root, 'file'), '');
    await driver.create(fileDisk(join(root, 'web', 'a')));
    const renamed = driver.rename(fileDisk(join(root, 'web', 'a')), fileDisk(join(root, 'file', 'a')));
    await assert.rejects(renamed, { code: 'block_device', message: /^Cannot move disk .*a: / });
  });

  it('touches nothing outside its roots', async () => {
    const { root, driver } = await make();
    const wrong = [
      root,
      `${root}/`,
      `${root}-other/disk`,
      `${root}/../disk`,
      `${root}/web/../../disk`,
      `${root}//disk`,
      'web/disk',
      '/etc/passwd',
      '',
    ];
    for (const path of wrong) {
      for (const deed of ['create', 'empty', 'remove', 'status'] as const)
        await assert.rejects(driver[deed](fileDisk(path)), { code: 'wrong_input' }, `${deed} ${path}`);
    }
    await assert.rejects(driver.create({ ...fileDisk(''), logical_id: ['loop', 7] }), {
      code: 'wrong_input',
    });
    const rootless = new FileStorage(new StoragePaths([], []));
    await assert.rejects(rootless.create(fileDisk(`${root}/disk`)), { code: 'wrong_input' });
    assert.deepEqual(await readdir(root), []);
  });

  it('never leads out of a root, whatever the path', () => {
    const names = fc.constantFrom('..', '.', '', 'a', '...', 'root', '/');
    const paths = new StoragePaths(['/root/a'], [{ from: '/root', to: '/real' }]);
    fc.assert(
      fc.property(fc.array(names, { maxLength: 6 }), (parts) => {
        const path = `/root/a/${parts.join('/')}`;
        try {
          const real = paths.real(path);
          assert.ok(real.startsWith('/real/a/') && normalize(real) === real && real !== '/real/a/');
        } catch (error) {
          assert.ok(error instanceof MerapiError && error.code === 'wrong_input');
          assert.ok(parts.length === 0 || parts.some((part) => ['..', '.', '', '/'].includes(part)));
        }
      }),
    );
  });

  it('tells what the system said when it fails', async () => {
    const { root, driver } = await make();
    await symlink('loop', join(root, 'loop'));
    const disk = fileDisk(join(root, 'loop', 'disk'));
    await assert.rejects(driver.create(disk), { code: 'block_device', message: /Cannot create disk .*loop/ });
    await assert.rejects(driver.empty(fileDisk(join(root, 'none'))), {
      code: 'block_device',
      message: /ENOENT/,
    });
  });

  it('keeps the disks of simulated nodes apart', async () => {
    const folders = [await resources.folder(), await resources.folder()];
    const drivers = folders.map(
      (to) => new FileStorage(new StoragePaths([ROOT], [{ from: '/srv/cluster', to }])),
    );
    const disk = fileDisk(`${ROOT}/web/disk`);
    await drivers[0]?.create(disk);
    assert.deepEqual(await drivers[0]?.status(disk), {
      path: join(folders[0] as string, 'disks', 'web', 'disk'),
      exists: true,
      size: 1,
      active: true,
      mirror: null,
    });
    assert.equal((await drivers[1]?.status(disk))?.exists, false);
  });

  it('takes the longest mapping that fits, at whole names', () => {
    const mappings = [
      { from: '/srv', to: '/a' },
      { from: '/srv/disks', to: '/b' },
    ];
    const paths = new StoragePaths(['/srv', '/other'], mappings);
    assert.equal(paths.real('/srv/disks/x'), '/b/x');
    assert.equal(paths.real('/srv/disks2/x'), '/a/disks2/x');
    assert.equal(paths.real('/srv/..x'), '/a/..x');
    assert.equal(paths.real('/other/x'), '/other/x');
    assert.deepEqual(paths.realRoots(), ['/a', '/other']);
  });
});

describe('storage registry', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('finds drivers by template and the paths of disks in their order', async () => {
    const root = await resources.folder();
    const storage = createStorage(new StoragePaths([root], []), null);
    const kept = storage.templates().map(({ template }) => template);
    assert.deepEqual(kept, ['diskless', 'file', 'sharedfile']);
    const disks = [fileDisk(join(root, 'web', 'one')), fileDisk(join(root, 'web', 'two'))];
    await assert.rejects(storage.paths(disks), { code: 'block_device' });
    for (const disk of disks) await storage.of(disk).create(disk);
    assert.deepEqual(await storage.paths(disks), [join(root, 'web', 'one'), join(root, 'web', 'two')]);
    const drbd = { ...fileDisk('/x'), dev_type: 'drbd' as const };
    assert.throws(() => storage.of(drbd), {
      code: 'wrong_input',
      message: /drbd.*diskless, file, sharedfile/,
    });
  });
});
