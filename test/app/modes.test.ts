import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, chown, lstat, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { layoutOf } from '../../lib/app/layout.ts';
import { close, closeFolder, exposedIn } from '../../lib/base/modes.ts';
import { instanceBody } from '../helpers/client.ts';
import { Programs } from '../helpers/program.ts';

/** Every file and folder below a folder, itself included, with its permission bits. */
async function modesIn(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>([[folder, (await stat(folder)).mode & 0o7777]]);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found.set(path, (await lstat(path)).mode & 0o7777);
  }
  return found;
}

async function assertClosed(folder: string): Promise<void> {
  for (const [path, mode] of await modesIn(folder))
    assert.ok(mode === 0o600 || mode === 0o700, `${path} has the mode ${mode.toString(8)}`);
}

describe('the state folder is for its owner only', () => {
  const programs = new Programs();
  after(() => programs.close());
  const isRoot = process.getuid?.() === 0;
  const umask = process.umask();
  let dir: string;
  before(async () => {
    process.umask(0);
    dir = join(await programs.folder(), 'state');
  });
  after(() => process.umask(umask));

  /** Opens all to everybody, as an older release or an administrator might have done. */
  async function expose(): Promise<void> {
    for (const [path, mode] of await modesIn(dir))
      await chmod(path, mode | ((mode & 0o100) !== 0 ? 0o77 : 0o66));
  }

  it('whatever the umask, with all that a master and a worker make', async () => {
    const program = await programs.up({ dir, users: null });
    const client = await program.client();
    await client.done('POST', '/2/instances', instanceBody('web.example.com'));
    await assertClosed(dir);
    const names = [...(await modesIn(dir)).keys()].map((path) => path.slice(dir.length));
    for (const name of [
      'cluster.db',
      'cluster.db-wal',
      'cluster.db-shm',
      'worker.json',
      'rapi/url',
      'log/worker.log',
    ])
      assert.ok(names.includes(`/${name}`), name);
    if (isRoot) {
      const looked = spawnSync('cat', [layoutOf(dir).database], { uid: 65534, gid: 65534 });
      assert.notEqual(looked.status, 0, 'another user reads the store');
    }
    await expose();
    const told = await programs.run(['check', '--dir', dir]);
    assert.match(
      told.stdout,
      /^corrected: \S+\/cluster\.db: others may reach it \(mode 0666\); its mode is now 0600$/m,
    );
    assert.match(
      told.stdout,
      /^corrected: \S+\/certificates: others may reach it \(mode 0777\); its mode is now 0700$/m,
    );
    assert.match(told.stdout, /^No problem found: /m);
    assert.equal(told.code, 0);
    await assertClosed(dir);
    await program.stop();
  });

  it('a file of another user is given back', {
    skip: !isRoot && 'only root can give files away',
  }, async () => {
    await chown(layoutOf(dir).secretKey, 65534, 65534);
    const told = await programs.run(['check', '--dir', dir, '--json']);
    const { total, mended } = JSON.parse(told.stdout);
    assert.equal(total, 0);
    assert.deepEqual(mended, [
      {
        path: layoutOf(dir).secretKey,
        text: 'it belongs to the user with id 65534, not to that of the folder (0); its owner is now that of the folder',
      },
    ]);
    assert.equal((await stat(layoutOf(dir).secretKey)).uid, 0);
  });

  it('one that was left open is closed at the start; what is not of the cluster stays as it is', async () => {
    await expose();
    const note = join(dir, 'note.txt');
    await writeFile(note, '');
    await chmod(note, 0o644);
    const program = await programs.up({ dir, users: null });
    assert.equal((await stat(note)).mode & 0o777, 0o644);
    await chmod(note, 0o600);
    await assertClosed(dir);
    await program.stop();
  });

  it('a restored one too', async () => {
    const [file, other] = [join(dir, '..', 'backup'), join(dir, '..', 'other')];
    assert.equal((await programs.run(['backup', file, '--dir', dir])).code, 0);
    assert.equal((await programs.run(['restore', file, '--dir', other])).code, 0);
    await assertClosed(other);
  });

  it('a folder that all users share is refused', async () => {
    const shared = join(dir, '..', 'shared');
    await programs.folder();
    spawnSync('mkdir', ['-m', '1777', shared]);
    const told = await programs.run(['init', '--dir', shared, '--cluster', await programs.clusterFile()]);
    assert.equal(told.code, 2);
    assert.match(
      told.stderr,
      /^merapi: The folder \S+shared is shared by all users; choose one for Merapi alone\n$/,
    );
    assert.equal((await stat(shared)).mode & 0o7777, 0o1777);
    assert.deepEqual(await readdir(shared), []);
  });
});

describe('closing a folder', () => {
  const programs = new Programs();
  after(() => programs.close());

  it('follows no links, keeps what is executable so, and passes by what is closed and big', async () => {
    const folder = await programs.folder();
    spawnSync(
      'sh',
      [
        '-c',
        'mkdir -m 755 a journal; echo x >a/file; chmod 644 a/file; echo x >a/hook; chmod 755 a/hook; mkdir -m 755 out; ln -s ../out a/link; chmod 700 journal; echo x >journal/entry; chmod 644 journal/entry; chmod 700 .',
      ],
      { cwd: folder },
    );
    const closed = await closeFolder(folder, (name) => name !== 'out');
    assert.deepEqual(closed.map((path) => path.slice(folder.length + 1)).sort(), ['a', 'a/file', 'a/hook']);
    const mode = async (name: string) => ((await stat(join(folder, name))).mode & 0o777).toString(8);
    assert.deepEqual(await Promise.all(['a', 'a/file', 'a/hook', 'out'].map(mode)), [
      '700',
      '600',
      '700',
      '755',
    ]);
    const left = await exposedIn(folder, { isOurs: (name) => name !== 'out', owner: null });
    assert.deepEqual(
      left.map(({ path }) => path.slice(folder.length + 1)),
      ['journal/entry'],
    );
    assert.equal(await readFile(join(folder, 'a', 'file'), 'utf8'), 'x\n');
  });

  it('leaves a file alone to which a link leads that has replaced an exposed file', async () => {
    const folder = await programs.folder();
    const [exposed, elsewhere] = [join(folder, 'exposed'), join(folder, 'elsewhere')];
    await writeFile(exposed, '');
    await chmod(exposed, 0o644);
    await writeFile(elsewhere, '');
    await chmod(elsewhere, 0o644);
    const found = await exposedIn(folder, { isOurs: (name) => name === 'exposed', owner: null });
    const file = found.find(({ path }) => path === exposed);
    assert.ok(file);
    await rm(exposed);
    await symlink(elsewhere, exposed);
    assert.equal(await close(file, null), true);
    assert.equal((await stat(elsewhere)).mode & 0o777, 0o644);
  });
});
