import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { readArchive, writeArchive } from '../../lib/backup/archive.ts';
import { tarHeader, tarMembers } from '../../lib/backup/tar.ts';
import { run } from '../../lib/base/exec.ts';

const MTIME = 1_700_000_000;

describe('the archive of a backup', () => {
  let folder: string;
  let archive: string;
  let copies = 0;
  const long = `nodes/${'n'.repeat(200)}/node.json`;
  const files: Readonly<Record<string, string>> = {
    'cluster.db': 'x'.repeat(2_500_000),
    'secret.key': 'secret\n',
    'rapi/users': '',
    [long]: 'y'.repeat(512),
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-archive-'));
    archive = join(folder, 'backup');
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, 'in', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { mode: 0o600 });
    }
    await writeArchive(
      archive,
      Object.keys(files).map((name) => ({ name, path: join(folder, 'in', name) })),
      MTIME,
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const read = async (file: string, isWanted = (name: string) => name in files) => {
    const into = join(folder, `out${++copies}`);
    await mkdir(into);
    return { into, names: await readArchive(file, into, isWanted) };
  };

  it('gives back what was put into it', async () => {
    const { into, names } = await read(archive);
    assert.deepEqual(names, Object.keys(files));
    for (const [name, text] of Object.entries(files)) {
      assert.equal(await readFile(join(into, name), 'utf8'), text);
      assert.equal((await stat(join(into, name))).mode & 0o777, 0o600);
    }
    assert.equal((await stat(archive)).mode & 0o777, 0o600);
  });

  it('is one that tar unpacks and sha256sum verifies', async () => {
    const into = join(folder, 'tar');
    await mkdir(into);
    assert.equal((await run('tar', ['-xf', archive, '-C', into])).stderr, '');
    const sums = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: into });
    assert.deepEqual([sums.code, sums.stdout.trim().split('\n').length], [0, Object.keys(files).length]);
    assert.equal(await readFile(join(into, long), 'utf8'), files[long]);
  });

  it('is refused when it is cut off, and when it holds what it may not', async () => {
    const cut = join(folder, 'cut');
    const bytes = await readFile(archive);
    for (const length of [0, 100, 512, 1_000_000, bytes.length - 1024, bytes.length - 1]) {
      await writeFile(cut, bytes);
      await truncate(cut, length);
      await assert.rejects(read(cut), { code: 'wrong_input' }, `${length} bytes`);
    }
    await writeFile(cut, Buffer.concat([bytes, Buffer.alloc(512)]));
    await assert.rejects(read(cut), { code: 'wrong_input' });
    await assert.rejects(
      read(archive, (name) => name === 'cluster.db'),
      /contains 'secret.key', which is not a file/,
    );
    await writeFile(cut, 'no backup at all'.repeat(1000));
    await assert.rejects(read(cut), /damaged or incomplete at byte 0/);
  });

  it('is refused when any bit of it is another', async () => {
    const small = join(folder, 'small');
    const names = ['secret.key', 'rapi/users', long];
    await writeArchive(
      small,
      names.map((name) => ({ name, path: join(folder, 'in', name) })),
      MTIME,
    );
    const bytes = await readFile(small);
    const flipped = join(folder, 'flipped');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const other = Buffer.from(bytes);
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await writeFile(flipped, other);
        await assert.rejects(read(flipped), { code: 'wrong_input' });
      }),
      { numRuns: 300 },
    );
    assert.ok((await readdir(folder)).includes('small'));
  });

  it('can tell of files of any size', async () => {
    const file = await open(join(folder, 'big'), 'w+');
    try {
      const member = { name: 'cluster.db', mode: 0o600, size: 8 ** 11 + 5, mtime: MTIME };
      const header = tarHeader(member);
      await file.write(header);
      await assert.rejects(tarMembers(file), /at byte 0/, 'the bytes are not there');
      await file.truncate(header.length + 8 ** 11 + 512 + 1024); // a file with a hole
      assert.deepEqual(await tarMembers(file), [{ ...member, at: header.length }]);
    } finally {
      await file.close();
    }
  });
});
