import assert from 'node:assert/strict';
import {
  type Ability,
  abilities,
  type Hypervisor,
  type OpenDisk,
} from '../../../lib/node/hypervisors/define.ts';
import type { DiskSource } from '../../../lib/node/storage/define.ts';
import type { GuestFacts, InstanceTarget } from '../../../lib/rpc/types.ts';
import { Resources } from '../helpers.ts';

/** What the suite needs for an ability. All is asked of the guest itself, past the driver. */
interface AbilityFixtures {
  check: {
    /** An instance that cannot be started here. */
    refused(folder: string): InstanceTarget;
  };
  resize: {
    /** Makes a guest's first disk bigger behind its back; returns the disk with its new size. */
    grow(folder: string, instance: InstanceTarget): Promise<OpenDisk>;
    /** MiB of the first disk, as the guest sees it. */
    sizeOf(folder: string, instance: InstanceTarget): Promise<number>;
  };
  setMemory: {
    /** MiB that the guest has. */
    memoryOf(folder: string, instance: InstanceTarget): Promise<number>;
  };
  hotplug: {
    /** A disk that no guest has. */
    newDisk(folder: string): Promise<OpenDisk & { path: string | null }>;
    /** Whether the guest has a disk or NIC. */
    hasDevice(folder: string, instance: InstanceTarget, uuid: string): Promise<boolean>;
  };
  migration: object;
  agents: {
    /** The path of the socket at which the guest's agent is reached. */
    path(folder: string, instance: InstanceTarget): string;
  };
  powerCut: object;
}

/** What the suite needs of a driver under test. */
export interface HypervisorFixture {
  /** Makes a driver on a worker's folder, not yet opened. A second one on the same folder is the next life of the worker. */
  create(folder: string): Hypervisor;
  /** An instance with that name which the driver can run on that folder. Its guest heeds what it is asked. */
  instance(name: string, folder: string): InstanceTarget;
  /** Where the instance's disks are, made if need be; by default it has none. */
  sources?(folder: string, instance: InstanceTarget): Promise<DiskSource[]>;
  /** What the driver can do beside what all can: that, and nothing else, is there and is tested. */
  abilities: { readonly [A in Ability]?: AbilityFixtures[A] };
}

/** The abilities that a driver has. */
export const abilitiesOf = (driver: Hypervisor): Ability[] =>
  abilities.filter((ability) => driver[ability] !== undefined);

/** A driver on a new folder with two instances, which a group of tests uses one after the other. */
export class Stage {
  readonly fixture: HypervisorFixture;
  readonly resources = new Resources();
  folder = '';
  #driver: Hypervisor | null = null;
  #instances: InstanceTarget[] = [];

  constructor(fixture: HypervisorFixture) {
    this.fixture = fixture;
  }

  get driver(): Hypervisor {
    if (this.#driver) return this.#driver;
    throw new Error('The stage is not open');
  }

  get web(): InstanceTarget {
    return this.#instances[0] as InstanceTarget;
  }

  get mail(): InstanceTarget {
    return this.#instances[1] as InstanceTarget;
  }

  async open(): Promise<void> {
    this.folder = await this.resources.folder();
    this.#driver = await this.openDriver(this.folder);
    this.resources.add(() => this.driver.close());
    this.#instances = ['web', 'mail'].map((name) =>
      this.fixture.instance(`${name}.example.com`, this.folder),
    );
    for (const instance of this.#instances) this.resources.add(() => this.end(instance));
  }

  /** Another driver, as that of another node. */
  async openDriver(folder: string): Promise<Hypervisor> {
    const driver = this.fixture.create(folder);
    await driver.open();
    return driver;
  }

  /** The next life of the worker. */
  async reopen(): Promise<void> {
    await this.driver.close();
    this.#driver = await this.openDriver(this.folder);
  }

  async sources(instance: InstanceTarget): Promise<DiskSource[]> {
    return (await this.fixture.sources?.(this.folder, instance)) ?? [];
  }

  async start(instance: InstanceTarget, paused = false): Promise<void> {
    await this.driver.start(instance, { sources: await this.sources(instance), paused });
  }

  end(instance: InstanceTarget, driver = this.driver): Promise<void> {
    return driver.stop(instance, { timeout: 0, force: true });
  }

  factsOf(instance: InstanceTarget, driver = this.driver): GuestFacts | undefined {
    return driver.guests().find((guest) => guest.uuid === instance.uuid);
  }

  /** Fails unless the driver tells a change meanwhile. */
  async tells(work: () => Promise<unknown>, driver = this.driver): Promise<void> {
    assert.notEqual(await this.changes(work, driver), 0, 'the driver told no change');
  }

  /** How often the driver told a change meanwhile. */
  async changes(work: () => Promise<unknown>, driver = this.driver): Promise<number> {
    let count = 0;
    driver.onChange(() => count++);
    await work();
    return count;
  }
}
