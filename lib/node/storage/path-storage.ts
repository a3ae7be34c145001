import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { DiskSource, DiskStatus, Work } from './define.ts';
import { copyRaw, fillRaw } from './raw.ts';

/** Bytes per read of a disk. */
const CHUNK = 1 << 20;

/** The methods that are common to all drivers whose active disks have a path on the host. */
export abstract class PathStorage {
  abstract status(disk: DiskTarget): Promise<DiskStatus>;

  async open(disk: DiskTarget): Promise<DiskSource> {
    return { path: await this.#path(disk) };
  }

  async read(disk: DiskTarget): Promise<Readable> {
    return createReadStream(await this.#path(disk), { highWaterMark: CHUNK });
  }

  async fill(disk: DiskTarget, data: AsyncIterable<Buffer>): Promise<void> {
    await fillRaw(await this.#path(disk), disk.size, data);
  }

  async copy(from: DiskTarget, to: DiskTarget, work?: Work): Promise<void> {
    await copyRaw(await this.#path(from), await this.#path(to), work);
  }

  /** The path of an active disk. @throws MerapiError block_device when it does not exist, is not active or has no path */
  async #path(disk: DiskTarget): Promise<string> {
    const { path, exists, active } = await this.status(disk);
    if (path !== null && exists && active) return path;
    const what = exists ? 'is not active' : 'does not exist';
    throw new MerapiError('block_device', `Disk ${disk.uuid} ${what} on this node (${path ?? 'no path'})`);
  }
}
