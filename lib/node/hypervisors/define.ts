import type { Logger } from '../../base/log.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DiskTarget, GuestFacts, InstanceTarget } from '../../rpc/types.ts';
import type { DiskSource } from '../storage/define.ts';

/** What a guest is started with: how to get at each disk of the instance, in its order. */
export interface StartOptions {
  sources: readonly DiskSource[];
  paused: boolean;
}

/** How a guest is stopped. */
export interface StopOptions {
  /** Seconds that it has to shut down by itself. */
  timeout: number;
  /** Ends it at once. */
  force: boolean;
  /** Ends the wait: a guest that has not shut down by then goes on, and stop() fails with the signal's reason. */
  signal?: AbortSignal;
}

/** A NIC by its number. */
interface NicDevice {
  readonly nic: number;
  readonly disk?: never;
}

/** A disk and how to get at it. */
export interface OpenDisk {
  readonly disk: DiskTarget;
  readonly source: DiskSource;
  readonly nic?: never;
}

/** A device that a running guest is to get. */
export type NewDevice = OpenDisk | NicDevice;

/** A device that a running guest is to release: a disk with its path on the host, if it has one. */
export type LostDevice =
  | { readonly disk: DiskTarget; readonly path: string | null; readonly nic?: never }
  | NicDevice;

/** Gives devices to running guests and takes them away. Where the guest does not run there is nothing to do. */
export interface Hotplug {
  /** Gives a running guest a device; succeeds when it has it. */
  plug(instance: InstanceTarget, device: NewDevice): Promise<void>;
  /**
   * Removes a device from a running guest; succeeds when the guest does not have it.
   * @throws MerapiError hypervisor when the guest keeps it, which is up to its operating system
   */
  unplug(instance: InstanceTarget, device: LostDevice): Promise<void>;
}

/** Moves running guests between nodes. Every method is idempotent. */
export interface Migration {
  /**
   * Makes a guest that waits for its state from another node, and is paused until then; returns where that is to be sent, in
   * the hypervisor's form. @throws MerapiError wrong_state when the guest runs here
   */
  receive(instance: InstanceTarget, options: Pick<StartOptions, 'sources'>): Promise<string>;
  /**
   * Sends the state of a running guest; after that it does not execute here, and can be resumed.
   * @throws MerapiError wrong_state when there is no guest
   */
  send(instance: InstanceTarget, to: string): Promise<void>;
  /**
   * Lets a guest run that was received, or one whose migration failed after it was sent.
   * @throws MerapiError wrong_state when there is no guest
   */
  resume(instance: InstanceTarget): Promise<void>;
}

/**
 * A driver of one hypervisor on one node. Every method is idempotent: starting what runs, stopping and forgetting what is
 * gone succeed. Failures are MerapiErrors: `hypervisor` with the hypervisor's own words, `wrong_state`, or errors of
 * the network. A driver finds its running guests again when its worker starts again. What a driver cannot do is left out: see Abilities.
 */
export interface Hypervisor extends Abilities {
  readonly kind: HypervisorName;
  /** Finds the guests that an earlier life of the worker left running. Called once, before anything else. */
  open(): Promise<void>;
  /** Ends the driver's work with all guests and leaves them as they are. */
  close(): Promise<void>;
  /** All guests that exist here, stopped ones that are not forgotten included. */
  guests(): readonly GuestFacts[];
  start(instance: InstanceTarget, options: StartOptions): Promise<void>;
  /** Asks the guest to shut down and ends it after `timeout` seconds, at once with `force`. */
  stop(instance: InstanceTarget, options: StopOptions): Promise<void>;
  /** Restarts the guest within its process; the disks and devices stay. @throws MerapiError wrong_state when it does not run */
  reset(instance: InstanceTarget): Promise<void>;
  /** Removes all that is kept of a guest that does not run. @throws MerapiError wrong_state when it runs */
  forget(instance: InstanceTarget): Promise<void>;
  /** Calls back whenever the result of guests() may have changed. */
  onChange(listener: () => void): void;
}

/** What only some drivers can do. */
export interface Abilities {
  /**
   * Checks that a guest with these parameters could be started here; a guest of this instance that runs is not touched.
   * Without it all parameters are accepted. @throws MerapiError hypervisor naming what cannot be used
   */
  check?(instance: InstanceTarget): Promise<void>;
  /**
   * Tells a guest that a disk has grown to its size; nothing to do where the guest does not run. Without it guests see the new
   * size by themselves. @throws MerapiError hypervisor when the guest does not have the disk
   */
  resize?(instance: InstanceTarget, disk: OpenDisk): Promise<void>;
  /**
   * Gives a running guest this much memory (MiB), at most what it was started with.
   * @throws MerapiError wrong_state when it does not run; hypervisor when it keeps what it has
   */
  setMemory?(instance: InstanceTarget, memory: number): Promise<void>;
  readonly hotplug?: Hotplug;
  readonly migration?: Migration;
  /** Ends all guests as a loss of power does. Without it only the end of their host ends guests. */
  powerCut?(): Promise<void>;
}

/** The names of all abilities. */
export const abilities = [
  'check',
  'resize',
  'setMemory',
  'hotplug',
  'migration',
  'powerCut',
] as const satisfies readonly (keyof Abilities)[];
export type Ability = (typeof abilities)[number];

/** What a driver may need of its worker. */
export interface HypervisorOptions {
  /** The worker's folder. */
  folder: string;
  network: GuestNetwork;
  log: Logger;
  /** How kvm runs its guests; by default it finds out what works. */
  accel?: 'kvm' | 'tcg';
}

/** What a driver says of itself before there is one on a node. */
export interface HypervisorDriver {
  /**
   * Whether its guests are only simulated: they take nothing of the host, can use simulated disks, and need no network.
   * isSimulated() in registry.ts and the methods of Hypervisors are where this is asked.
   */
  readonly simulated: boolean;
  /** Makes it for a worker, not yet opened. */
  create(options: HypervisorOptions): Hypervisor;
}

/** Attaches a guest's NICs to the host's network. One instance per worker; the kvm driver uses it. */
export interface GuestNetwork {
  /** Those of the named bridges that this host does not have. */
  missingBridges(bridges: readonly string[]): Promise<string[]>;
  /**
   * Makes the tap device of a guest's NIC and plugs it where its parameters say; returns the device's name. Succeeds when
   * it exists. @throws MerapiError prerequisite-like errors naming the bridge.
   */
  plug(instance: InstanceTarget, nicIndex: number): Promise<string>;
  /** Removes the device that plug() made for one NIC of the guest, by uuid, or else all of them. */
  unplug(instanceUuid: string, nicUuid?: string): Promise<void>;
}
