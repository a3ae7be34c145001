import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readFileOrNull, removeInterruptedWrites, writeFileDurably } from '../../lib/base/files.ts';
import { inFolder } from './folder.ts';

describe('writeFileDurably', () => {
  it('makes the file with its mode, and the folders above it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a', 'b', 'file');
      await writeFileDurably(path, 'grün', 0o600);
      assert.equal(await readFile(path, 'utf8'), 'grün');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    }));

  it('replaces a file as a whole: who has the old one open still reads all of it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'file');
      await writeFile(path, 'old', { mode: 0o644 });
      const old = await stat(path);
      await writeFileDurably(path, 'new', 0o600);
      const now = await stat(path);
      assert.notEqual(now.ino, old.ino);
      assert.equal(now.mode & 0o777, 0o600);
      assert.equal(await readFile(path, 'utf8'), 'new');
      assert.deepEqual(await readdir(folder), ['file']);
    }));

  it('never shows a part, however many write at once', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'file');
      const texts = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(100_000));
      await writeFileDurably(path, texts[0] as string);
      let writing = true;
      const writers = Promise.all(texts.map((text) => writeFileDurably(path, text))).finally(() => {
        writing = false;
      });
      while (writing) assert.ok(texts.includes((await readFileOrNull(path)) ?? ''));
      await writers;
      assert.deepEqual(await readdir(folder), ['file']);
    }));

  it('leaves the old file and nothing else behind when it fails', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'place');
      await mkdir(join(path, 'full'), { recursive: true });
      await assert.rejects(writeFileDurably(path, 'text'));
      assert.deepEqual(await readdir(folder), ['place']);
      assert.deepEqual(await readdir(path), ['full']);
    }));
});

describe('readFileOrNull', () => {
  it('tells a missing file from one that cannot be read', () =>
    inFolder(async (folder) => {
      assert.equal(await readFileOrNull(join(folder, 'none')), null);
      await writeFile(join(folder, 'empty'), '');
      assert.equal(await readFileOrNull(join(folder, 'empty')), '');
      await assert.rejects(readFileOrNull(folder), { code: 'EISDIR' });
      await symlink('loop', join(folder, 'loop'));
      await assert.rejects(readFileOrNull(join(folder, 'loop')), { code: 'ELOOP' });
    }));
});

describe('removeInterruptedWrites', () => {
  it('removes what writes that never ended have left in a folder, and nothing else', () =>
    inFolder(async (folder) => {
      for (const name of ['a.json', 'a.json.0123456789ab.tmp', 'b.tmp', 'c.0123456789ab.tmp.json'])
        await writeFile(join(folder, name), '');
      await mkdir(join(folder, 'd.0123456789ab.tmp'));
      await removeInterruptedWrites(folder);
      assert.deepEqual((await readdir(folder)).sort(), [
        ...['a.json', 'b.tmp', 'c.0123456789ab.tmp.json', 'd.0123456789ab.tmp'],
      ]);
    }));

  it('has nothing to do where there is no folder', () =>
    inFolder((folder) => removeInterruptedWrites(join(folder, 'none'))));
});
