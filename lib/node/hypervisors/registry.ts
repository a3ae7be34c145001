import { MerapiError } from '../../base/errors.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { Ability, Hypervisor, HypervisorDriver, HypervisorOptions } from './define.ts';
import { fakeDriver } from './fake.ts';
import { kvmDriver } from './kvm.ts';

/** The drivers that Merapi has. */
const drivers: { readonly [K in HypervisorName]?: HypervisorDriver } = {
  fake: fakeDriver,
  kvm: kvmDriver,
};

/**
 * Whether guests of a hypervisor are only simulated. Everything that depends on it (simulated disks, fault injection, the host's power
 * and network, free memory) asks this function or Hypervisors, and never compares names of hypervisors.
 */
export function isSimulated(kind: HypervisorName): boolean {
  return drivers[kind]?.simulated ?? false;
}

/** The second half of the error for a missing ability: what running guests cannot do, and what to do instead. */
const lacking = {
  setMemory: 'cannot change their memory; shut the instance down and start it with the new amount',
  hotplug: 'cannot get or lose devices; shut the instance down first',
  migration: 'cannot be migrated; shut the instance down, or fail it over',
} as const satisfies { readonly [A in Ability]?: string };

/** The drivers of the hypervisors that one node runs. */
export class Hypervisors {
  readonly #drivers: ReadonlyMap<HypervisorName, Hypervisor>;

  constructor(hypervisors: readonly Hypervisor[]) {
    this.#drivers = new Map(hypervisors.map((hypervisor) => [hypervisor.kind, hypervisor]));
  }

  kinds(): HypervisorName[] {
    return [...this.#drivers.keys()];
  }

  all(): Hypervisor[] {
    return [...this.#drivers.values()];
  }

  /** The driver of a hypervisor. @throws MerapiError hypervisor when this node does not run it */
  of(kind: HypervisorName): Hypervisor {
    const driver = this.#drivers.get(kind);
    if (driver) return driver;
    const known = this.kinds().join(', ') || 'none';
    throw new MerapiError('hypervisor', `This node does not run hypervisor '${kind}'; it runs: ${known}`);
  }

  /** The driver of a hypervisor, if it has an ability. @throws MerapiError hypervisor when it lacks it, or this node does not run it */
  able<A extends keyof typeof lacking>(kind: HypervisorName, ability: A): Required<Pick<Hypervisor, A>> {
    const driver = this.of(kind);
    if (driver[ability] !== undefined) return driver as Hypervisor & Required<Pick<Hypervisor, A>>;
    throw new MerapiError('hypervisor', `Running guests of ${kind} ${lacking[ability]}`);
  }

  /** Whether guests of a hypervisor are only simulated. @throws MerapiError hypervisor when this node does not run it */
  isSimulated(kind: HypervisorName): boolean {
    return isSimulated(this.of(kind).kind);
  }

  /** Whether at least one hypervisor of the node is simulated. */
  get simulatesSome(): boolean {
    return this.kinds().some(isSimulated);
  }

  /** Whether the node can have no real guests. */
  get simulatesAll(): boolean {
    return this.kinds().every(isSimulated);
  }
}

/** Creates the drivers of a node, not yet opened. @throws MerapiError wrong_input when Merapi has no driver for a name */
export function createHypervisors(kinds: readonly HypervisorName[], options: HypervisorOptions): Hypervisors {
  return new Hypervisors(
    kinds.map((kind) => {
      const driver = drivers[kind];
      if (driver) return driver.create(options);
      const known = Object.keys(drivers).join(', ');
      throw new MerapiError(
        'wrong_input',
        `Merapi has no driver for hypervisor '${kind}'; there are: ${known}`,
      );
    }),
  );
}
