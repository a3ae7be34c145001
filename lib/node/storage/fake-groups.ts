import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { writeFileDurably } from '../../base/files.ts';
import type { StorageUnit } from '../../rpc/calls/storage.ts';
import { fileStem } from '../names.ts';
import { ignore } from './raw.ts';
import { spaceOf } from './space.ts';

const MIB = 1024 * 1024;
/** The group that every simulated node has, even before it has a volume. */
const FIRST_GROUP = 'xenvg';
const DEVICES = '/dev/simulated/';

/**
 * The LVM volume groups of a simulated node. The volumes of a group are the files in FOLDER/plain/GROUP. Each group has one physical
 * volume, /dev/simulated/GROUP; it is not allocatable while the file FOLDER/GROUP.full exists. Sizes are in MiB.
 */
export class FakeGroups {
  readonly #folder: string;

  /** `folder` contains all simulated volumes of the node. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The volume groups. Each has the size of the whole file system, so together they promise more space than there is. */
  async groups(): Promise<StorageUnit[]> {
    const plain = join(this.#folder, 'plain');
    const found = (await readdir(plain).catch(ignore('ENOENT'))) ?? [];
    const { size } = await spaceOf(this.#folder);
    const names = [...new Set([FIRST_GROUP, ...found])];
    return Promise.all(
      names.map(async (name) => {
        const used = await sizeOf(join(plain, name));
        return { name, size, used, free: Math.max(0, size - used), allocatable: true };
      }),
    );
  }

  /** The physical volumes. */
  async volumes(): Promise<StorageUnit[]> {
    const groups = await this.groups();
    return Promise.all(
      groups.map(async ({ name, ...unit }) => ({
        ...unit,
        name: DEVICES + name,
        allocatable: !(await stat(this.#mark(name)).catch(ignore('ENOENT'))),
      })),
    );
  }

  /** Sets whether a physical volume accepts new volumes. @throws MerapiError wrong_input when there is none of this name */
  async allocate(name: string, allocatable: boolean): Promise<void> {
    if (!(await this.volumes()).some((volume) => volume.name === name))
      throw new MerapiError('wrong_input', `There is no physical volume '${name}' here`);
    const mark = this.#mark(name.slice(DEVICES.length));
    await (allocatable ? rm(mark, { force: true }) : writeFileDurably(mark, ''));
  }

  /** The file that marks the physical volume of a group as not allocatable. */
  #mark(group: string): string {
    return join(this.#folder, `${fileStem(group)}.full`);
  }
}

/** The size of all volumes in a folder in MiB: their nominal size, for the files are sparse. */
async function sizeOf(folder: string): Promise<number> {
  const names = (await readdir(folder).catch(ignore('ENOENT', 'ENOTDIR'))) ?? [];
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name)).catch(ignore('ENOENT')))?.size ?? 0;
  return Math.ceil(bytes / MIB);
}
