import { MerapiError } from '../../base/errors.ts';
import type { DiskTemplate } from '../../model/diskparams/index.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import type { StorageDriver } from './define.ts';
import { disklessStorage } from './diskless.ts';
import { type FakePlaces, fakeDrivers } from './fake.ts';
import { FileStorage } from './file.ts';
import type { StoragePaths } from './paths.ts';

/** The storage drivers of one node. */
export class Storage {
  readonly #drivers: ReadonlyMap<DiskTemplate, StorageDriver>;

  constructor(drivers: readonly StorageDriver[]) {
    this.#drivers = new Map(drivers.map((driver) => [driver.template, driver]));
  }

  /** The disk templates that this node can serve. */
  templates(): DiskTemplate[] {
    return [...this.#drivers.keys()];
  }

  /** The driver of a disk. @throws MerapiError wrong_input when this node has none for its template. */
  of(disk: DiskTarget): StorageDriver {
    const driver = this.#drivers.get(disk.dev_type);
    if (driver) return driver;
    const known = this.templates().join(', ');
    throw new MerapiError(
      'wrong_input',
      `This node cannot keep disks of template '${disk.dev_type}'; it can: ${known}`,
    );
  }

  /** The path of each disk, in order. @throws MerapiError block_device when one is missing or not active. */
  paths(disks: readonly DiskTarget[]): Promise<string[]> {
    return Promise.all(
      disks.map(async (disk) => {
        const { path, exists, active } = await this.of(disk).status(disk);
        if (path !== null && exists && active) return path;
        const what = exists ? 'is not active' : 'does not exist';
        throw new MerapiError(
          'block_device',
          `Disk ${disk.uuid} ${what} on this node (${path ?? 'no path'})`,
        );
      }),
    );
  }
}

/** All drivers that a node has: those of real data, and with `fake` those that are simulated as well. */
export function createStorage(paths: StoragePaths, fake: FakePlaces | null): Storage {
  const real = [disklessStorage, new FileStorage(paths), new FileStorage(paths, 'sharedfile')];
  return new Storage([...real, ...(fake ? fakeDrivers(fake) : [])]);
}
