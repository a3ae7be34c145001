import { mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { DiskStatus, StorageDriver } from './define.ts';
import type { StoragePaths } from './paths.ts';

const MIB = 1024 * 1024;

/** Disks as raw, sparse files; their logical id is [driver, absolute path]. */
export class FileStorage implements StorageDriver {
  readonly template = 'file';
  readonly #paths: StoragePaths;

  constructor(paths: StoragePaths) {
    this.#paths = paths;
  }

  async create(disk: DiskTarget): Promise<void> {
    const path = this.#pathOf(disk);
    await explained(`create disk ${path}`, async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o750 });
      if (await createExclusively(path, disk.size)) {
        await syncFolder(dirname(path));
        await syncFolder(dirname(dirname(path)));
        return;
      }
      const { size } = await stat(path);
      if (size === disk.size * MIB) return;
      // An empty file is what a crash between making the file and giving it its size leaves.
      if (size === 0) return resize(path, disk.size);
      const [found, wanted] = [`${size} bytes`, `${disk.size} MiB`];
      throw new MerapiError('block_device', `Disk ${path} exists with ${found}; it should have ${wanted}`);
    });
  }

  async empty(disk: DiskTarget): Promise<void> {
    const path = this.#pathOf(disk);
    await explained(`empty disk ${path}`, () => resize(path, disk.size));
  }

  async remove(disk: DiskTarget): Promise<void> {
    const path = this.#pathOf(disk);
    const folder = dirname(path);
    await explained(`remove disk ${path}`, async () => {
      await rm(path, { force: true });
      if (!this.#paths.realRoots().includes(folder)) await rmdir(folder).catch(expect('ENOTEMPTY', 'ENOENT'));
      await syncFolder(folder).catch(expect('ENOENT'));
    });
  }

  async status(disk: DiskTarget): Promise<DiskStatus> {
    const path = this.#pathOf(disk);
    return explained(`look at disk ${path}`, async () => {
      const found = await stat(path).catch(expect('ENOENT', 'ENOTDIR'));
      return { path, exists: found !== undefined, size: found ? Math.floor(found.size / MIB) : null };
    });
  }

  #pathOf(disk: DiskTarget): string {
    return this.#paths.real(disk.logical_id[1]);
  }
}

/** False when the file exists. */
async function createExclusively(path: string, size: number): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch(expect('EEXIST'));
  if (!file) return false;
  try {
    await file.truncate(size * MIB);
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** Makes an existing file all zero with that size, in MiB. */
async function resize(path: string, size: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(0);
    await file.truncate(size * MIB);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** For catch(): takes failures with one of these system codes for `undefined`. */
function expect(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
}

async function explained<T>(deed: string, perform: () => Promise<T>): Promise<T> {
  try {
    return await perform();
  } catch (cause) {
    if (cause instanceof MerapiError) throw cause;
    throw new MerapiError('block_device', `Cannot ${deed}: ${errorText(cause)}`, { cause });
  }
}
