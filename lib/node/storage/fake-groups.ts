import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { writeFileDurably } from '../../base/files.ts';
import type { StorageUnit } from '../../rpc/calls/storage.ts';
import { fileStem } from '../names.ts';
import { expect } from './raw.ts';
import { spaceOf } from './space.ts';

const MIB = 1024 * 1024;
/** The group that a node has before anything is in it. */
const FIRST_GROUP = 'xenvg';
const DEVICES = '/dev/simulated/';

/**
 * The volume groups of a simulated node: FOLDER/plain/GROUP holds the volumes of one. Each has one physical volume, and
 * FOLDER/GROUP.full says that this takes no new volumes.
 */
export class FakeGroups {
  readonly #folder: string;

  /** `folder` is the one in which the node keeps all its simulated volumes. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async groups(): Promise<StorageUnit[]> {
    const plain = join(this.#folder, 'plain');
    const found = (await readdir(plain).catch(expect('ENOENT'))) ?? [];
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
        allocatable: !(await stat(this.#mark(name)).catch(expect('ENOENT'))),
      })),
    );
  }

  /** Says whether a physical volume takes new volumes. @throws MerapiError wrong_input when there is none of this name */
  async allocate(name: string, allocatable: boolean): Promise<void> {
    if (!(await this.volumes()).some((volume) => volume.name === name))
      throw new MerapiError('wrong_input', `There is no physical volume '${name}' here`);
    const mark = this.#mark(name.slice(DEVICES.length));
    await (allocatable ? rm(mark, { force: true }) : writeFileDurably(mark, ''));
  }

  #mark(group: string): string {
    return join(this.#folder, `${fileStem(group)}.full`);
  }
}

/** MiB of the volumes in a folder. */
async function sizeOf(folder: string): Promise<number> {
  const names = (await readdir(folder).catch(expect('ENOENT', 'ENOTDIR'))) ?? [];
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name)).catch(expect('ENOENT')))?.size ?? 0;
  return Math.ceil(bytes / MIB);
}
