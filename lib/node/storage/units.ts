import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { ListedStorage } from '../../model/storage.ts';
import type { StorageUnit } from '../../rpc/calls/storage.ts';
import type { SimulatedStorage } from './fake.ts';
import { FakeGroups } from './fake-groups.ts';
import type { StoragePaths } from './paths.ts';
import { ignore } from './raw.ts';
import { spaceOf } from './space.ts';

const MIB = 1024 * 1024;
/** The unit of `blocks` in the result of stat(), in bytes, on every file system. */
const BLOCK = 512;

/** The storage units of a node: the folders of disks and, on simulated nodes only, LVM volume groups and physical volumes. */
export class StorageUnits {
  readonly #paths: StoragePaths;
  readonly #groups: FakeGroups | null;

  constructor(paths: StoragePaths, fake: SimulatedStorage | null) {
    this.#paths = paths;
    this.#groups = fake && new FakeGroups(fake.own);
  }

  /**
   * The units of one type; `folders` are the logical paths to report for the types that consist of folders.
   * @throws MerapiError wrong_input when this node has no LVM, or a folder is not one of its storage roots
   */
  async list(type: ListedStorage, folders: readonly string[]): Promise<StorageUnit[]> {
    if (type === 'lvm-vg') return this.#lvm(type).groups();
    if (type === 'lvm-pv') return this.#lvm(type).volumes();
    return Promise.all(folders.map((folder) => this.#folder(folder)));
  }

  /** Sets whether a physical volume accepts new volumes. @throws MerapiError wrong_input for another type or an unknown name */
  async modify(type: ListedStorage, name: string, allocatable: boolean): Promise<void> {
    if (type !== 'lvm-pv')
      throw new MerapiError('wrong_input', `Storage of type '${type}' cannot be modified`);
    await this.#lvm(type).allocate(name, allocatable);
  }

  /** Removes lost physical volumes from a volume group. @throws MerapiError wrong_input for another type or an unknown name */
  async repair(type: ListedStorage, name: string): Promise<void> {
    if (type !== 'lvm-vg')
      throw new MerapiError('wrong_input', `Storage of type '${type}' cannot be repaired`);
    const groups = await this.#lvm(type).groups(); // nothing to repair: simulated groups lose no volumes
    if (!groups.some((group) => group.name === name))
      throw new MerapiError('wrong_input', `There is no volume group '${name}' here`);
  }

  #lvm(type: ListedStorage): FakeGroups {
    if (this.#groups) return this.#groups;
    throw new MerapiError('wrong_input', `This node keeps no disks in storage of type '${type}'`);
  }

  async #folder(name: string): Promise<StorageUnit> {
    const folder = this.#paths.realRoot(name);
    const { size, free } = await spaceOf(folder);
    return { name, size, used: await usedIn(folder), free, allocatable: true };
  }
}

/** MiB that the files below a folder occupy on the file system. */
async function usedIn(folder: string): Promise<number> {
  const names = (await readdir(folder, { recursive: true }).catch(ignore('ENOENT'))) ?? [];
  let blocks = 0;
  for (const name of names) blocks += (await lstat(join(folder, name)).catch(ignore('ENOENT')))?.blocks ?? 0;
  return Math.ceil((blocks * BLOCK) / MIB);
}
