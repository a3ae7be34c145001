import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import type { ListedStorage } from '../../model/storage.ts';
import type { StorageUnit } from '../../rpc/calls/storage.ts';
import type { FakePlaces } from './fake.ts';
import { FakeGroups } from './fake-groups.ts';
import type { StoragePaths } from './paths.ts';
import { expect } from './raw.ts';
import { spaceOf } from './space.ts';

const MIB = 1024 * 1024;
/** What stat() counts blocks in, whatever the file system. */
const BLOCK = 512;

/** The parts that a node's storage consists of. Volume groups exist on simulated nodes only. */
export class StorageUnits {
  readonly #paths: StoragePaths;
  readonly #groups: FakeGroups | null;

  constructor(paths: StoragePaths, fake: FakePlaces | null) {
    this.#paths = paths;
    this.#groups = fake && new FakeGroups(fake.own);
  }

  /** The units of a kind; `folders` are those of files, as the cluster calls them. @throws MerapiError wrong_input */
  async list(type: ListedStorage, folders: readonly string[]): Promise<StorageUnit[]> {
    if (type === 'lvm-vg') return this.#lvm(type).groups();
    if (type === 'lvm-pv') return this.#lvm(type).volumes();
    return Promise.all(folders.map((folder) => this.#folder(folder)));
  }

  /** Says whether a unit takes new disks. @throws MerapiError wrong_input */
  async modify(type: ListedStorage, name: string, allocatable: boolean): Promise<void> {
    if (type !== 'lvm-pv')
      throw new MerapiError('wrong_input', `Storage of type '${type}' cannot be modified`);
    await this.#lvm(type).allocate(name, allocatable);
  }

  /** Takes what is lost out of a unit. @throws MerapiError wrong_input */
  async repair(type: ListedStorage, name: string): Promise<void> {
    if (type !== 'lvm-vg')
      throw new MerapiError('wrong_input', `Storage of type '${type}' cannot be repaired`);
    const groups = await this.#lvm(type).groups(); // simulated ones lose nothing
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

/** MiB that the files below a folder take. */
async function usedIn(folder: string): Promise<number> {
  const names = (await readdir(folder, { recursive: true }).catch(expect('ENOENT'))) ?? [];
  let blocks = 0;
  for (const name of names) blocks += (await lstat(join(folder, name)).catch(expect('ENOENT')))?.blocks ?? 0;
  return Math.ceil((blocks * BLOCK) / MIB);
}
