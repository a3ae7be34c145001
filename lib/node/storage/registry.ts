import type { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import { type DiskTemplate, diskTemplates } from '../../model/templates/index.ts';
import { counted } from '../../rpc/streams.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import { type Ability, abilities, type DiskSource, type StorageDriver, type Work } from './define.ts';
import { disklessStorage } from './diskless.ts';
import { type FakePlaces, fakeDriver } from './fake.ts';
import { FileStorage } from './file.ts';
import type { StoragePaths } from './paths.ts';

/** The drivers of real data, each made for one node. Templates without one are simulated on simulated nodes. */
export const drivers: { readonly [T in DiskTemplate]?: (paths: StoragePaths) => StorageDriver } = {
  diskless: () => disklessStorage,
  file: (paths) => new FileStorage(paths, 'file'),
  sharedfile: (paths) => new FileStorage(paths, 'sharedfile'),
};

const MIB = 1024 * 1024;

/** What a node says of one of its drivers. */
export interface KeptTemplate {
  template: DiskTemplate;
  /** Whether no real guest can use the disks. */
  simulated: boolean;
  can: Ability[];
}

/** The storage drivers of one node, and what is done with disks of several of them. */
export class Storage {
  readonly #drivers: ReadonlyMap<DiskTemplate, StorageDriver>;

  constructor(all: readonly StorageDriver[]) {
    this.#drivers = new Map(all.map((driver) => [driver.template, driver]));
  }

  /** The disk templates that this node can keep, with what their drivers can do. */
  templates(): KeptTemplate[] {
    return [...this.#drivers].map(([template, driver]) => ({
      template,
      simulated: driver.simulated,
      can: abilities.filter((ability) => driver[ability] !== undefined),
    }));
  }

  /** The driver of a disk. @throws MerapiError wrong_input when this node has none for its template. */
  of(disk: DiskTarget): StorageDriver {
    const driver = this.#drivers.get(disk.dev_type);
    if (driver) return driver;
    const known = [...this.#drivers.keys()].join(', ');
    throw new MerapiError(
      'wrong_input',
      `This node cannot keep disks of template '${disk.dev_type}'; it can: ${known}`,
    );
  }

  /** Checks that guests could use disks, whether they exist or not. @throws MerapiError wrong_input */
  checkFor(disks: readonly DiskTarget[], isGuestSimulated: boolean): void {
    for (const disk of disks) {
      if (isGuestSimulated || !this.of(disk).simulated) continue;
      const real = [...this.#drivers].filter(([, driver]) => !driver.simulated);
      throw new MerapiError(
        'wrong_input',
        `This node only simulates disks of template '${disk.dev_type}', which no real guest can use; use ${real.map(([name]) => name).join(', ')}`,
      );
    }
  }

  /** How a hypervisor gets at each disk, in order. @throws MerapiError block_device when one is missing or not active. */
  sources(disks: readonly DiskTarget[]): Promise<DiskSource[]> {
    return Promise.all(disks.map((disk) => this.of(disk).open(disk)));
  }

  /** The path of each disk, in order. @throws MerapiError block_device when one is missing, not active, or has no path */
  paths(disks: readonly DiskTarget[]): Promise<string[]> {
    return Promise.all(
      disks.map(async (disk) => {
        const { path } = await this.of(disk).open(disk);
        if (path !== undefined) return path;
        throw new MerapiError(
          'block_device',
          `Disk ${disk.uuid} has no path on this node: only its hypervisor reaches it (its access is userspace)`,
        );
      }),
    );
  }

  /** All bytes of a disk. @throws MerapiError */
  read(disk: DiskTarget): Promise<Readable> {
    return this.#able(disk, 'read').read(disk);
  }

  /** Replaces the data of a disk. @throws MerapiError block_device unless there are as many bytes as it has */
  fill(disk: DiskTarget, data: AsyncIterable<Buffer>): Promise<void> {
    return this.#able(disk, 'fill').fill(disk, data);
  }

  /** Copies the data of one disk over that of another, which is as big at least; between templates they are as big. @throws MerapiError */
  async copy(from: DiskTarget, to: DiskTarget, work?: Work): Promise<void> {
    const driver = this.of(from);
    if (driver === this.of(to) && driver.copy) await driver.copy(from, to, work);
    else
      await this.fill(
        to,
        counted(await this.read(from), (done) => {
          work?.signal.throwIfAborted();
          work?.onBytes(done, from.size * MIB);
        }),
      );
  }

  /** Makes a disk with the data of another one: by its driver, or by a copy where that has no snapshots. @throws MerapiError */
  async snapshot(disk: DiskTarget, copy: DiskTarget, work?: Work): Promise<void> {
    const driver = this.of(disk);
    if (driver.snapshot) {
      await driver.snapshot(disk, copy, work);
      return;
    }
    await this.of(copy).create(copy);
    await this.copy(disk, copy, work);
  }

  /** Moves data to another place of the node; succeeds when it is there already. @throws MerapiError */
  rename(from: DiskTarget, to: DiskTarget): Promise<void> {
    return this.#able(from, 'rename').rename(from, to);
  }

  #able<A extends Ability>(disk: DiskTarget, ability: A): Required<Pick<StorageDriver, A>> {
    const driver = this.of(disk);
    if (driver[ability] !== undefined) return driver as StorageDriver & Required<Pick<StorageDriver, A>>;
    throw new MerapiError(
      'wrong_input',
      `Disks of template '${disk.dev_type}' have no '${ability}' on this node`,
    );
  }
}

/** All drivers that a node has: those of real data, and with `fake` simulated ones for all other templates. */
export function createStorage(paths: StoragePaths, fake: FakePlaces | null): Storage {
  const missing = diskTemplates.filter((template) => !drivers[template]);
  return new Storage([
    ...Object.values(drivers).map((make) => make(paths)),
    ...(fake ? missing.map((template) => fakeDriver(template, fake)) : []),
  ]);
}
