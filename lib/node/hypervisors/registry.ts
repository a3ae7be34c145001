import { MerapiError } from '../../base/errors.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { Ability, Hypervisor, HypervisorDriver, HypervisorOptions } from './define.ts';
import { fakeDriver } from './fake.ts';
import { kvmDriver } from './kvm.ts';

const drivers: { readonly [K in HypervisorName]?: HypervisorDriver } = {
  fake: fakeDriver,
  kvm: kvmDriver,
};

/**
 * Whether guests of a kind are only simulated, as their driver says of itself. All that depends on it (simulated disks and fault
 * switches, the host's power and network, the memory that is free) asks here or Hypervisors.
 */
export function isSimulated(kind: HypervisorName): boolean {
  return drivers[kind]?.simulated ?? false;
}

/** The error where a driver lacks an ability that is needed: what its running guests cannot do, and what to do instead. */
const lacking = {
  setMemory: 'cannot get another amount of memory; shut the instance down and start it again with it',
  hotplug: 'cannot get or lose devices; shut the instance down first',
  migration: 'cannot be moved; shut the instance down, or fail it over',
} as const satisfies { readonly [A in Ability]?: string };

/** The hypervisors of one node. */
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

  /** The driver of a kind. @throws MerapiError hypervisor when this node does not run it. */
  of(kind: HypervisorName): Hypervisor {
    const driver = this.#drivers.get(kind);
    if (driver) return driver;
    const known = this.kinds().join(', ') || 'none';
    throw new MerapiError('hypervisor', `This node does not run hypervisor '${kind}'; it runs: ${known}`);
  }

  /** The driver of a kind with an ability that is needed. @throws MerapiError hypervisor when it lacks it */
  able<A extends keyof typeof lacking>(kind: HypervisorName, ability: A): Required<Pick<Hypervisor, A>> {
    const driver = this.of(kind);
    if (driver[ability] !== undefined) return driver as Hypervisor & Required<Pick<Hypervisor, A>>;
    throw new MerapiError('hypervisor', `Running guests of ${kind} ${lacking[ability]}`);
  }

  /** Whether guests of a kind are only simulated. @throws MerapiError hypervisor when this node does not run it */
  isSimulated(kind: HypervisorName): boolean {
    return isSimulated(this.of(kind).kind);
  }

  /** Whether the node simulates guests, beside real ones or alone. */
  get simulatesSome(): boolean {
    return this.kinds().some(isSimulated);
  }

  /** Whether the node has no real guests. */
  get simulatesAll(): boolean {
    return this.kinds().every(isSimulated);
  }
}

/** Makes the drivers of a node, not yet opened. @throws MerapiError wrong_input when there is none for a kind. */
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
