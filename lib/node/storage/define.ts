import type { Readable } from 'node:stream';
import type { Json } from '../../base/json.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { DiskTarget, MirrorStatus } from '../../rpc/types.ts';

/** What a node knows of the data of one disk. */
export interface DiskStatus {
  /** The absolute path of the data on the host; null when the template has none, or none now. */
  path: string | null;
  exists: boolean;
  /** MiB; null when it does not exist. */
  size: number | null;
  /** Whether a guest could use it now. */
  active: boolean;
  /** How this node's side of a mirrored disk is; null where there is none. */
  mirror: MirrorStatus | null;
}

/**
 * How a hypervisor gets at the data of an active disk: at a path of the host, or (`access` is userspace) by itself, with a
 * description of the block device as QEMU's blockdev-add takes it, without its node-name.
 */
export type DiskSource =
  | { readonly path: string; readonly blockdev?: never }
  | {
      readonly blockdev: { readonly driver: string; readonly [option: string]: Json };
      readonly path?: never;
    };

/**
 * A driver of one disk template on one node. It alone touches the data. Every method is idempotent. Failures are MerapiErrors:
 * `wrong_input` for a disk that this node must not touch, `block_device` with the system's own words for the rest. What a driver
 * cannot do is left out: see Abilities.
 */
export interface StorageDriver extends Abilities {
  readonly template: DiskTemplate;
  /** Whether the disks are only simulated, so that no real guest can use them. */
  readonly simulated: boolean;
  /** Makes the data, all zero; succeeds when it is there with that size. @throws block_device when it has another size. */
  create(disk: DiskTarget): Promise<void>;
  /** Makes existing data all zero again. */
  empty(disk: DiskTarget): Promise<void>;
  /** Makes existing data at least that big (MiB); what is bigger stays as it is. */
  grow(disk: DiskTarget, size: number): Promise<void>;
  /** Makes existing data ready for use: with `primary` by guests, otherwise as the receiving side of a mirror. */
  activate(disk: DiskTarget, primary: boolean): Promise<void>;
  /** Ends that; the data stays. Succeeds when there is none. */
  deactivate(disk: DiskTarget): Promise<void>;
  /** Removes the data, active or not, and what was made to hold it; succeeds when it is gone. */
  remove(disk: DiskTarget): Promise<void>;
  status(disk: DiskTarget): Promise<DiskStatus>;
  /** How a hypervisor gets at the data. @throws block_device when it is not there or not active */
  open(disk: DiskTarget): Promise<DiskSource>;
}

/** What work that takes long is done with. */
export interface Work {
  /** Fires when it is to end early; nobody uses what has been written by then. */
  readonly signal: AbortSignal;
  /** Hears how many bytes of how many are done. */
  readonly onBytes: (done: number, total: number) => void;
}

/** What only some drivers can do. */
export interface Abilities {
  /** All bytes of an active disk. */
  read?(disk: DiskTarget): Promise<Readable>;
  /** Replaces the data of an active disk. @throws block_device unless there are as many bytes as it has */
  fill?(disk: DiskTarget, data: AsyncIterable<Buffer>): Promise<void>;
  /** Copies the data of one active disk of the template over that of another, which is as big at least. */
  copy?(from: DiskTarget, to: DiskTarget, work?: Work): Promise<void>;
  /** Makes an active disk with the data that another one has now, whether a guest uses that or not. */
  snapshot?(disk: DiskTarget, copy: DiskTarget, work?: Work): Promise<void>;
  /** Moves data to another place of the node; succeeds when it is there already. */
  rename?(from: DiskTarget, to: DiskTarget): Promise<void>;
}

/** The names of all abilities. */
export const abilities = [
  'read',
  'fill',
  'copy',
  'snapshot',
  'rename',
] as const satisfies readonly (keyof Abilities)[];
export type Ability = (typeof abilities)[number];
