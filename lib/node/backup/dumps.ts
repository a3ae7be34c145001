import type { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { OsInstaller } from '../os/installer.ts';
import type { Storage } from '../storage/registry.ts';

/** Makes dumps of disks, and disks of dumps: by the scripts of the instance's OS, or byte by byte where it has none. */
export class Dumps {
  readonly #storage: Storage;
  readonly #installer: OsInstaller;

  constructor(storage: Storage, installer: OsInstaller) {
    this.#storage = storage;
    this.#installer = installer;
  }

  /** The dump of disk number `index`, whose data is that of `source`. Its failure is that of the stream. @throws MerapiError */
  async open(params: ScriptParams, index: number, source: DiskTarget): Promise<Readable> {
    if (params.instance.os === '') return this.#storage.read(source);
    const [device = ''] = await this.#storage.paths([source]);
    return this.#installer.export(params, { index, device });
  }

  /** Puts a dump onto disk number `index`, which is emptied before. @throws MerapiError */
  async restore(params: ScriptParams, index: number, dump: Readable, signal: AbortSignal): Promise<void> {
    const disk = params.instance.disks[index];
    if (!disk) throw new MerapiError('wrong_input', `Instance ${params.instance.name} has no disk ${index}`);
    await this.#storage.sources([disk]);
    await this.#storage.of(disk).empty(disk);
    if (params.instance.os === '') {
      await this.#storage.fill(disk, dump);
      return;
    }
    const [device = ''] = await this.#storage.paths([disk]);
    await this.#installer.import(params, { index, device }, dump, signal);
  }
}
