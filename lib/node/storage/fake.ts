import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import { type DiskTemplate, templates } from '../../model/templates/index.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import { fileStem } from '../names.ts';
import type { DiskStatus, StorageDriver } from './define.ts';
import { FakeMirrorStorage } from './fake-mirror.ts';
import { PathStorage } from './path-storage.ts';
import { createRaw, emptyRaw, growRaw, removeRaw, sizeOfRaw } from './raw.ts';

/** Where simulated storage keeps its data. */
export interface SimulatedStorage {
  /** The name of the node. */
  node: string;
  /** The node's own folder. */
  own: string;
  /** A folder that all simulated nodes of the machine share. */
  common: string;
  /** The clock that they share; it determines the progress of synchronisations. */
  clock: Clock;
}

/** The simulated driver of a template: the data is real, in sparse files; volumes, mirrors and networks are simulated. */
export function fakeDriver(
  template: DiskTemplate,
  { node, own, common, clock }: SimulatedStorage,
): StorageDriver {
  const { mirrored, shared } = templates[template];
  if (mirrored) return new FakeMirrorStorage(template, join(common, template), fileStem(node), clock);
  return new FakeVolumes(template, join(shared ? common : own, template));
}

/** Volumes of one template as sparse files FOLDER/FIRST/SECOND, named after the first two parts of their logical ids. */
class FakeVolumes extends PathStorage implements StorageDriver {
  readonly template: DiskTemplate;
  readonly simulated = true;
  readonly #folder: string;

  constructor(template: DiskTemplate, folder: string) {
    super();
    this.template = template;
    this.#folder = folder;
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
    if (!exists) throw new MerapiError('block_device', `Volume ${path} does not exist`);
  }

  async deactivate(disk: DiskTarget): Promise<void> {
    this.#pathOf(disk); // only refuses a malformed logical id: a file has nothing to deactivate
  }

  async remove(disk: DiskTarget): Promise<void> {
    await removeRaw(this.#pathOf(disk));
  }

  async status(disk: DiskTarget): Promise<DiskStatus> {
    const path = this.#pathOf(disk);
    const size = await sizeOfRaw(path);
    return { path, exists: size !== null, size, active: size !== null, mirror: null };
  }

  #pathOf({ logical_id }: DiskTarget): string {
    const parts = logical_id.slice(0, 2).map((part) => fileStem(String(part).replaceAll('/', '_')));
    return join(this.#folder, ...parts);
  }
}
