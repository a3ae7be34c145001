import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { DiskStatus, StorageDriver } from './define.ts';
import { PathStorage } from './path-storage.ts';
import type { StoragePaths } from './paths.ts';
import { createRaw, emptyRaw, growRaw, ignore, moveRaw, removeRaw, sizeOfRaw } from './raw.ts';

/**
 * The driver of the templates `file` and `sharedfile`: disks as raw, sparse files. Their logical id is [driver, absolute path], and the
 * path must be below one of the node's storage roots. Paths of `sharedfile` are on a file system that all nodes mount.
 */
export class FileStorage extends PathStorage implements StorageDriver {
  readonly template: 'file' | 'sharedfile';
  readonly simulated = false;
  readonly #paths: StoragePaths;

  constructor(paths: StoragePaths, template: 'file' | 'sharedfile' = 'file') {
    super();
    this.#paths = paths;
    this.template = template;
  }

  async create(disk: DiskTarget): Promise<void> {
    await createRaw(this.#pathOf(disk), disk.size);
  }

  async empty(disk: DiskTarget): Promise<void> {
    await emptyRaw(this.#pathOf(disk), disk.size);
  }

  async grow(disk: DiskTarget, size: number): Promise<void> {
    await growRaw(this.#pathOf(disk), size);
  }

  async activate(disk: DiskTarget): Promise<void> {
    const { path, exists } = await this.status(disk);
    if (!exists) throw new MerapiError('block_device', `Disk ${path} does not exist`);
  }

  async deactivate(disk: DiskTarget): Promise<void> {
    this.#pathOf(disk); // only refuses a path outside the storage roots: a file has nothing to deactivate
  }

  async remove(disk: DiskTarget): Promise<void> {
    const path = this.#pathOf(disk);
    await removeRaw(path);
    await this.#removeIfEmpty(dirname(path));
  }

  async status(disk: DiskTarget): Promise<DiskStatus> {
    const path = this.#pathOf(disk);
    const size = await sizeOfRaw(path);
    return { path, exists: size !== null, size, active: size !== null, mirror: null };
  }

  async rename(from: DiskTarget, to: DiskTarget): Promise<void> {
    const path = this.#pathOf(from);
    await moveRaw(path, this.#pathOf(to));
    await this.#removeIfEmpty(dirname(path));
  }

  /** Removes the folder of an instance that has no disk left; a storage root stays. */
  async #removeIfEmpty(folder: string): Promise<void> {
    if (!this.#paths.realRoots().includes(folder)) await rmdir(folder).catch(ignore('ENOTEMPTY', 'ENOENT'));
  }

  /** The real path of a disk. @throws MerapiError wrong_input when it is outside the storage roots */
  #pathOf(disk: DiskTarget): string {
    return this.#paths.real(disk.logical_id[1]);
  }
}
