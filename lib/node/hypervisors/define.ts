import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DiskTarget, GuestFacts, InstanceTarget } from '../../rpc/types.ts';
import type { DiskSource } from '../storage/define.ts';

/** What a guest is started with: how to get at each disk of the instance, in its order. */
export interface StartOptions {
  sources: readonly DiskSource[];
  paused: boolean;
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

/** A device that a running guest is to give up: a disk with its path on the host, if it has one. */
export type LostDevice =
  | { readonly disk: DiskTarget; readonly path: string | null; readonly nic?: never }
  | NicDevice;

/** Moves running guests between nodes. Every method is idempotent. */
export interface Migration {
  /** Makes a guest that waits for its state from another node; answers where that is to be sent, in the hypervisor's form. */
  receive(instance: InstanceTarget, options: Pick<StartOptions, 'sources'>): Promise<string>;
  /** Sends the state of a running guest; after that it is stopped here, and can be resumed. */
  send(instance: InstanceTarget, to: string): Promise<void>;
  /** Lets a guest run that was received, or one that was sent in vain. */
  resume(instance: InstanceTarget): Promise<void>;
}

/**
 * A driver of one hypervisor on one node. Every method is idempotent: starting what runs, stopping and forgetting what is
 * gone succeed. Failures are MerapiErrors: `hypervisor` with the hypervisor's own words, `wrong_state`, or what the network
 * says. A driver finds its running guests again when its worker starts anew.
 */
export interface Hypervisor {
  readonly kind: HypervisorName;
  /** Null where running guests cannot be moved. */
  readonly migration: Migration | null;
  /** Ends all guests as a loss of power does; null where guests end with their host and with nothing less. */
  readonly powerCut: (() => Promise<void>) | null;
  /** Finds the guests that an earlier life of the worker left running. Called once, before anything else. */
  open(): Promise<void>;
  /** Lets go of all guests without touching them. */
  close(): Promise<void>;
  /** All guests that exist here, stopped ones that are not forgotten included. */
  guests(): readonly GuestFacts[];
  /**
   * Checks that a guest with these parameters could be started here; a guest of this instance that runs is not touched.
   * @throws MerapiError hypervisor naming what cannot be used
   */
  check(instance: InstanceTarget): Promise<void>;
  start(instance: InstanceTarget, options: StartOptions): Promise<void>;
  /** Asks the guest to shut down and ends it after `timeout` seconds, at once with `force`. */
  stop(instance: InstanceTarget, options: { timeout: number; force: boolean }): Promise<void>;
  /** Restarts the guest within its process; the disks and devices stay. */
  reset(instance: InstanceTarget): Promise<void>;
  /** Tells a guest that a disk has grown to its size; nothing to do where the guest does not run. */
  resize(instance: InstanceTarget, disk: OpenDisk): Promise<void>;
  /** Gives a running guest this much memory (MiB), at most what it was started with. */
  setMemory(instance: InstanceTarget, memory: number): Promise<void>;
  /** Gives a running guest a device; nothing to do where it has it, or does not run. */
  plug(instance: InstanceTarget, device: NewDevice): Promise<void>;
  /**
   * Has a running guest give up a device; nothing to do where it does not have it, or does not run.
   * @throws MerapiError hypervisor when the guest keeps it, which is up to its operating system
   */
  unplug(instance: InstanceTarget, device: LostDevice): Promise<void>;
  /** Removes all that is kept of a guest that does not run. */
  forget(instance: InstanceTarget): Promise<void>;
  /** Calls back whenever what guests() tells may have changed. */
  onChange(listener: () => void): void;
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
