import { MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { GuestNetwork, Hypervisor } from './define.ts';
import { FakeHypervisor } from './fake.ts';
import { createKvm } from './kvm.ts';

/** What a driver may need of its worker. */
export interface HypervisorOptions {
  /** The worker's folder. */
  folder: string;
  network: GuestNetwork;
  log: Logger;
  /** How kvm runs its guests; by default it finds out what works. */
  accel?: 'kvm' | 'tcg';
}

const factories: { readonly [K in HypervisorName]?: (options: HypervisorOptions) => Hypervisor } = {
  fake: ({ folder, log }) => new FakeHypervisor(folder, log),
  kvm: createKvm,
};

/** The hypervisors of one node. */
export class Hypervisors {
  readonly #drivers: ReadonlyMap<HypervisorName, Hypervisor>;

  constructor(drivers: readonly Hypervisor[]) {
    this.#drivers = new Map(drivers.map((driver) => [driver.kind, driver]));
  }

  kinds(): HypervisorName[] {
    return [...this.#drivers.keys()];
  }

  all(): Hypervisor[] {
    return [...this.#drivers.values()];
  }

  /** The driver of a kind. @throws MerapiError hypervisor when this node does not run it. */
  of(kind: HypervisorName): Hypervisor {
    const driver = this.#drivers.get(kind);
    if (driver) return driver;
    const known = this.kinds().join(', ') || 'none';
    throw new MerapiError('hypervisor', `This node does not run hypervisor '${kind}'; it runs: ${known}`);
  }

  /** Whether guests of a kind are only simulated: they end with their worker's host at most. @throws MerapiError hypervisor */
  isSimulated(kind: HypervisorName): boolean {
    return this.of(kind).powerCut !== null;
  }
}

/** Makes the drivers that a node's configuration names. @throws MerapiError wrong_input when Merapi has no such driver. */
export function createHypervisors(kinds: readonly HypervisorName[], options: HypervisorOptions): Hypervisors {
  return new Hypervisors(
    kinds.map((kind) => {
      const create = factories[kind];
      if (create) return create(options);
      const known = Object.keys(factories).join(', ');
      throw new MerapiError(
        'wrong_input',
        `Merapi has no driver for hypervisor '${kind}'; there are: ${known}`,
      );
    }),
  );
}
