// What a hypervisor needs on a node: the interface of its driver, see docs/adding-a-driver.md. An instance is what the cluster's
// configuration describes; a guest is what runs for it on a node.
import type { Logger } from '../../base/log.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DiskTarget, GuestFacts, InstanceTarget } from '../../rpc/types.ts';
import type { DiskSource } from '../storage/define.ts';

export interface StartOptions {
  /** How to access each disk of the instance, in order. */
  sources: readonly DiskSource[];
  /** Whether the guest is created but not resumed. */
  paused: boolean;
}

export interface StopOptions {
  /** Seconds that the guest gets to shut down by itself before it is killed. */
  timeout: number;
  /** Kills the guest at once. */
  force: boolean;
  /** Asks the guest's agent to shut the guest down, before the driver does by its own means; true when the agent does not refuse. */
  ask?: (signal: AbortSignal) => Promise<boolean>;
  /** Cancels the stop: a guest that has not shut down by then keeps running, and stop() throws the signal's reason. */
  signal?: AbortSignal;
}

/** A NIC, by its index in the instance. */
interface NicDevice {
  readonly nic: number;
  readonly disk?: never;
}

/** A disk and how to access it. */
export interface OpenDisk {
  readonly disk: DiskTarget;
  readonly source: DiskSource;
  readonly nic?: never;
}

/** A device to add to a running guest. */
export type DeviceToPlug = OpenDisk | NicDevice;

/** A device to remove from a running guest; of a disk, with its path on the host if it has one. */
export type DeviceToUnplug =
  | { readonly disk: DiskTarget; readonly path: string | null; readonly nic?: never }
  | NicDevice;

/** Adds and removes devices of running guests. When the guest does not run, both methods succeed without doing anything. */
export interface Hotplug {
  /** Adds a device to a running guest; succeeds when the guest has it already. @throws MerapiError hypervisor */
  plug(instance: InstanceTarget, device: DeviceToPlug): Promise<void>;
  /**
   * Removes a device from a running guest; succeeds when the guest does not have it.
   * @throws MerapiError hypervisor when the guest's operating system does not release it
   */
  unplug(instance: InstanceTarget, device: DeviceToUnplug): Promise<void>;
}

/**
 * Live migration of guests between nodes: receive() on the target, send() on the source, then resume() on the target, or on the source
 * if sending failed. Every method is idempotent.
 */
export interface Migration {
  /**
   * Creates a paused guest that waits for its state from another node. Returns the address to which that is to be sent, in a form that
   * send() of the same driver understands. @throws MerapiError wrong_state when the guest runs here
   */
  receive(instance: InstanceTarget, options: Pick<StartOptions, 'sources'>): Promise<string>;
  /**
   * Sends the state of a running guest to an address from receive(). The guest does not execute here after that, but can be resumed.
   * @throws MerapiError wrong_state when there is no guest
   */
  send(instance: InstanceTarget, to: string): Promise<void>;
  /**
   * Lets a received guest execute, or one whose migration failed after it was sent.
   * @throws MerapiError wrong_state when there is no guest
   */
  resume(instance: InstanceTarget): Promise<void>;
}

/** What happens at the port of a guest's agent, or to the guest behind it. `gone`: the guest's machine has ended. */
export type AgentEvent = 'opened' | 'closed' | 'shutdown' | 'reset' | 'suspended' | 'gone';

/** The way to the guest agents: programs inside of guests that answer to their host. */
export interface AgentPorts {
  /**
   * The port of a guest, by its uuid; null when it does not run. `path` is a Unix socket that accepts one connection at a time; `isOpen`
   * says whether a program in the guest has opened the other end, and null that this is not known.
   */
  port(uuid: string): { readonly path: string; readonly isOpen: boolean | null } | null;
  /** Adds a listener for the events of all guests. */
  onEvent(listener: (uuid: string, event: AgentEvent) => void): void;
}

/**
 * A driver of one hypervisor on one node. Every method is idempotent: starting a guest that runs succeeds, and so does stopping or
 * forgetting one that does not exist. Failures are MerapiErrors: `hypervisor` with the hypervisor's own message, `wrong_state`, or errors
 * of the network. Guests outlive the worker: a driver finds them again when the worker restarts. Methods that a driver does not
 * support are missing: see Abilities.
 */
export interface Hypervisor extends Abilities {
  readonly kind: HypervisorName;
  /** Finds the guests that an earlier worker left running. Called once, before any other method. */
  open(): Promise<void>;
  /** Ends the driver's operations; the guests keep running. */
  close(): Promise<void>;
  /** All guests on this node, including stopped ones until they are forgotten. */
  guests(): readonly GuestFacts[];
  /** Starts a guest; one that runs already stays as it is. */
  start(instance: InstanceTarget, options: StartOptions): Promise<void>;
  /** Asks the guest to shut down and kills it after `timeout` seconds; kills it at once with `force`. */
  stop(instance: InstanceTarget, options: StopOptions): Promise<void>;
  /** Restarts the guest within its process, with the same disks and devices. @throws MerapiError wrong_state when it does not run */
  reset(instance: InstanceTarget): Promise<void>;
  /** Removes everything that is stored about a guest that does not run. @throws MerapiError wrong_state when it runs */
  forget(instance: InstanceTarget): Promise<void>;
  /** Adds a listener that is called whenever the result of guests() may have changed. */
  onChange(listener: () => void): void;
}

/** Optional methods of a driver. docs/adding-a-driver.md lists what happens without each. */
export interface Abilities {
  /**
   * Checks that a guest with these parameters could be started here, without touching a guest of this instance that runs.
   * Without it, all parameters are accepted. @throws MerapiError hypervisor naming the parameter that cannot be used
   */
  check?(instance: InstanceTarget): Promise<void>;
  /**
   * Makes a running guest see the new size of a disk that has grown; does nothing when the guest does not run. Without it, guests see
   * the new size by themselves. @throws MerapiError hypervisor when the guest does not have the disk
   */
  resize?(instance: InstanceTarget, disk: OpenDisk): Promise<void>;
  /**
   * Changes the memory of a running guest (MiB), to at most what it was started with.
   * @throws MerapiError wrong_state when it does not run; hypervisor when the guest does not release or accept the memory
   */
  setMemory?(instance: InstanceTarget, memory: number): Promise<void>;
  readonly hotplug?: Hotplug;
  readonly migration?: Migration;
  readonly agents?: AgentPorts;
  /** Ends all guests at once, as a power failure of the host would. Without it, powercycling the node does not end guests. */
  powerCut?(): Promise<void>;
}

/** The names of all abilities. */
export const abilities = [
  'check',
  'resize',
  'setMemory',
  'hotplug',
  'migration',
  'agents',
  'powerCut',
] as const satisfies readonly (keyof Abilities)[];
export type Ability = (typeof abilities)[number];

/** What the worker provides to its drivers. */
export interface HypervisorOptions {
  /** The worker's folder. */
  folder: string;
  network: GuestNetwork;
  log: Logger;
  /** The accelerator of kvm guests; by default the driver probes which one works. */
  accel?: 'kvm' | 'tcg';
}

/** How a driver is created, and the properties that all its instances have. */
export interface HypervisorDriver {
  /**
   * Whether its guests are only simulated: they use no resources of the host, can use simulated disks, and need no network.
   * Read it only through isSimulated() in registry.ts and the methods of Hypervisors.
   */
  readonly simulated: boolean;
  /** Creates the driver for a worker, not yet opened. */
  create(options: HypervisorOptions): Hypervisor;
}

/** Connects the NICs of guests to the host's network. Each worker has one; the kvm driver uses it. */
export interface GuestNetwork {
  /** Returns those of the bridges that this host does not have. */
  missingBridges(bridges: readonly string[]): Promise<string[]>;
  /**
   * Creates the tap device of a guest's NIC and attaches it as the nicparams say; returns the device's name. Succeeds when
   * it exists. @throws MerapiError environment_error when the bridge is missing or cannot be used
   */
  plug(instance: InstanceTarget, nicIndex: number): Promise<string>;
  /** Removes the device that plug() created for one NIC of the guest, by uuid, or for all of them. @throws MerapiError environment_error */
  unplug(instanceUuid: string, nicUuid?: string): Promise<void>;
}
