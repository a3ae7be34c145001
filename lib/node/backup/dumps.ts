import type { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import type { ScriptParams } from '../../rpc/calls/os.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { OsInstaller } from '../os/installer.ts';
import type { Storage } from '../storage/registry.ts';

/**
 * Writes disks to dumps and dumps to disks: with the export and import scripts of the instance's OS definition, which define the
 * format of the dump, or as the raw bytes of the disk when the instance has no OS.
 */
export class Dumps {
  readonly #storage: Storage;
  readonly #installer: OsInstaller;

  constructor(storage: Storage, installer: OsInstaller) {
    this.#storage = storage;
    this.#installer = installer;
  }

  /**
   * The dump of the instance's disk `index`, made from the data of `source`, e.g. a snapshot of it. Failures while it is made are errors
   * of the stream. @throws MerapiError block_device when the disk is missing or not active; as OsInstaller.export()
   */
  async open(params: ScriptParams, index: number, source: DiskTarget): Promise<Readable> {
    if (params.instance.os === '') return this.#storage.read(source);
    const [device = ''] = await this.#storage.paths([source]);
    return this.#installer.export(params, { index, device });
  }

  /**
   * Writes a dump to the instance's disk `index`, which is emptied first.
   * @throws MerapiError wrong_input when the instance has no such disk, block_device, or as OsInstaller.import()
   */
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
