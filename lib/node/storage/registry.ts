import type { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import { type DiskTemplate, diskTemplates } from '../../model/templates/index.ts';
import { counted } from '../../rpc/streams.ts';
import type { DiskTarget } from '../../rpc/types.ts';
import { type Ability, abilities, type DiskSource, type StorageDriver, type Work } from './define.ts';
import { disklessStorage } from './diskless.ts';
import { fakeDriver, type SimulatedStorage } from './fake.ts';
import { FileStorage } from './file.ts';
import type { StoragePaths } from './paths.ts';

/** How the drivers of real data are made for a node. The other templates exist on simulated nodes only. */
export const drivers: { readonly [T in DiskTemplate]?: (paths: StoragePaths) => StorageDriver } = {
  diskless: () => disklessStorage,
  file: (paths) => new FileStorage(paths, 'file'),
  sharedfile: (paths) => new FileStorage(paths, 'sharedfile'),
};

const MIB = 1024 * 1024;

/** A disk template that a node supports, as `node.hello` reports it. */
export interface SupportedTemplate {
  template: DiskTemplate;
  /** Whether the disks are simulated, so that no real guest can use them. */
  simulated: boolean;
  /** The optional methods that its driver has. */
  can: Ability[];
}

/** The storage drivers of one node, and the operations that may involve two of them. */
export class Storage {
  readonly #drivers: ReadonlyMap<DiskTemplate, StorageDriver>;

  constructor(all: readonly StorageDriver[]) {
    this.#drivers = new Map(all.map((driver) => [driver.template, driver]));
  }

  /** The disk templates that this node supports. */
  templates(): SupportedTemplate[] {
    return [...this.#drivers].map(([template, driver]) => ({
      template,
      simulated: driver.simulated,
      can: abilities.filter((ability) => driver[ability] !== undefined),
    }));
  }

  /** The driver of a disk. @throws MerapiError wrong_input when this node has none for its template */
  of(disk: DiskTarget): StorageDriver {
    const driver = this.#drivers.get(disk.dev_type);
    if (driver) return driver;
    const known = [...this.#drivers.keys()].join(', ');
    throw new MerapiError(
      'wrong_input',
      `This node does not support disks of template '${disk.dev_type}'; it supports: ${known}`,
    );
  }

  /**
   * Checks that guests could use disks of these templates; the disks need not exist.
   * @throws MerapiError wrong_input when a real guest would get a simulated disk, or a template is not supported
   */
  checkFor(disks: readonly DiskTarget[], isGuestSimulated: boolean): void {
    for (const disk of disks) {
      if (isGuestSimulated || !this.of(disk).simulated) continue;
      const real = [...this.#drivers].filter(([, driver]) => !driver.simulated);
      const choices = real.map(([name]) => name).join(', ');
      throw new MerapiError(
        'wrong_input',
        `This node only simulates disks of template '${disk.dev_type}', which no real guest can use; use ${choices}`,
      );
    }
  }

  /** How a hypervisor accesses each disk, in order. @throws MerapiError block_device when one is missing or not active */
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
          `Disk ${disk.uuid} has no path on this node: only its hypervisor can access it (its access is userspace)`,
        );
      }),
    );
  }

  /** Reads all bytes of a disk. @throws MerapiError wrong_input when its driver cannot, block_device when it is not active */
  read(disk: DiskTarget): Promise<Readable> {
    return this.#able(disk, 'read').read(disk);
  }

  /**
   * Overwrites the data of a disk.
   * @throws MerapiError wrong_input when its driver cannot, block_device unless `data` has exactly as many bytes as the disk
   */
  fill(disk: DiskTarget, data: AsyncIterable<Buffer>): Promise<void> {
    return this.#able(disk, 'fill').fill(disk, data);
  }

  /**
   * Copies the data of one disk over that of another. Within a template the target must be at least as big, between two templates
   * exactly as big.
   * @throws MerapiError wrong_input when a driver cannot, block_device; the reason of the signal when it is aborted
   */
  async copy(from: DiskTarget, to: DiskTarget, work?: Work): Promise<void> {
    const driver = this.of(from);
    if (driver === this.of(to) && driver.copy) {
      await driver.copy(from, to, work);
      return;
    }
    const data = counted(await this.read(from), (done) => {
      work?.signal.throwIfAborted();
      work?.onBytes(done, from.size * MIB);
    });
    await this.fill(to, data);
  }

  /**
   * Creates the disk `copy` with the data of another disk: by a snapshot if the driver has them, otherwise by copying all data, which
   * is consistent only while nothing writes to the disk.
   * @throws MerapiError as create() and copy()
   */
  async snapshot(disk: DiskTarget, copy: DiskTarget, work?: Work): Promise<void> {
    const driver = this.of(disk);
    if (driver.snapshot) {
      await driver.snapshot(disk, copy, work);
      return;
    }
    await this.of(copy).create(copy);
    await this.copy(disk, copy, work);
  }

  /** Moves the data of a disk to the location of `to` on this node; succeeds when it has been moved already. @throws MerapiError */
  rename(from: DiskTarget, to: DiskTarget): Promise<void> {
    return this.#able(from, 'rename').rename(from, to);
  }

  /** The driver of a disk, if it has an optional method. @throws MerapiError wrong_input when it does not */
  #able<A extends Ability>(disk: DiskTarget, ability: A): Required<Pick<StorageDriver, A>> {
    const driver = this.of(disk);
    if (driver[ability] !== undefined) return driver as StorageDriver & Required<Pick<StorageDriver, A>>;
    throw new MerapiError(
      'wrong_input',
      `Disks of template '${disk.dev_type}' do not support '${ability}' on this node`,
    );
  }
}

/** Creates the drivers of a node: those of real data and, unless `fake` is null, simulated ones for all other templates. */
export function createStorage(paths: StoragePaths, fake: SimulatedStorage | null): Storage {
  const missing = diskTemplates.filter((template) => !drivers[template]);
  return new Storage([
    ...Object.values(drivers).map((make) => make(paths)),
    ...(fake ? missing.map((template) => fakeDriver(template, fake)) : []),
  ]);
}
