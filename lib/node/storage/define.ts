// What a disk template needs on a node: the interface of its driver, see docs/adding-a-driver.md. Sizes are in MiB.
//
//   (none) -> inactive   create()
//   inactive -> active   activate(); only active disks can be opened, read, filled or copied
//   active -> inactive   deactivate()
//   any -> (none)        remove()
//
// Drivers whose data needs no activation (files) report existing disks as active.
import type { Readable } from 'node:stream';
import type { Json } from '../../base/json.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { DiskTarget, MirrorStatus } from '../../rpc/types.ts';

/** The state of the data of one disk on a node. */
export interface DiskStatus {
  /** The absolute path of the data on the host; null when the template has no paths, or none at the moment. */
  path: string | null;
  exists: boolean;
  /** MiB; null when it does not exist. */
  size: number | null;
  /** Whether a guest could use it now. */
  active: boolean;
  /** The state of this node's side of a mirrored disk; null when the disk is not mirrored or does not exist. */
  mirror: MirrorStatus | null;
}

/**
 * How a hypervisor accesses the data of an active disk: at a path of the host, or (disk parameter `access` is userspace) without
 * the host's kernel, by a block device in the form of QEMU's blockdev-add, without its node-name.
 */
export type DiskSource =
  | { readonly path: string; readonly blockdev?: never }
  | {
      readonly blockdev: { readonly driver: string; readonly [option: string]: Json };
      readonly path?: never;
    };

/**
 * A driver of one disk template on one node; nothing else accesses the data. Every method is idempotent, because a call that was
 * interrupted is repeated. Failures are MerapiErrors: `wrong_input` for a disk outside of what this node may touch, `block_device`
 * with the system's own message for the rest. Methods that a driver does not support are missing: see Abilities.
 */
export interface StorageDriver extends Abilities {
  readonly template: DiskTemplate;
  /** Whether the disks are simulated; no real guest can use such disks. */
  readonly simulated: boolean;
  /** Creates the data, all zero; succeeds when it exists with that size. @throws block_device when it has another size */
  create(disk: DiskTarget): Promise<void>;
  /** Overwrites existing data with zeros. */
  empty(disk: DiskTarget): Promise<void>;
  /** Grows existing data to at least `size` MiB; bigger data stays as it is. */
  grow(disk: DiskTarget, size: number): Promise<void>;
  /** Makes existing data ready for use: with `primary` by guests, otherwise as the receiving side of a mirror. */
  activate(disk: DiskTarget, primary: boolean): Promise<void>;
  /** Undoes activate(); the data stays. Succeeds when the disk does not exist. */
  deactivate(disk: DiskTarget): Promise<void>;
  /** Removes the data, active or not, and the folder that was created for it; succeeds when it does not exist. */
  remove(disk: DiskTarget): Promise<void>;
  /** The state of the data; a disk that does not exist is not an error. */
  status(disk: DiskTarget): Promise<DiskStatus>;
  /** How a hypervisor accesses the data. @throws block_device when it does not exist or is not active */
  open(disk: DiskTarget): Promise<DiskSource>;
}

/** How a long operation is canceled and reports its progress. */
export interface Work {
  /** Cancels the operation; what it has written by then is discarded by the caller. */
  readonly signal: AbortSignal;
  /** Called with the bytes that are done, and with the total. */
  readonly onBytes: (done: number, total: number) => void;
}

/** Optional methods of a driver. A call that needs a missing one is refused. */
export interface Abilities {
  /** Reads all bytes of an active disk. */
  read?(disk: DiskTarget): Promise<Readable>;
  /** Overwrites an active disk. @throws block_device unless `data` has exactly as many bytes as the disk */
  fill?(disk: DiskTarget, data: AsyncIterable<Buffer>): Promise<void>;
  /** Copies the data of one active disk of the template over that of another, which must be at least as big. */
  copy?(from: DiskTarget, to: DiskTarget, work?: Work): Promise<void>;
  /** Creates an active disk with the present data of another one, which a guest may be using. */
  snapshot?(disk: DiskTarget, copy: DiskTarget, work?: Work): Promise<void>;
  /** Moves the data to the location of `to` on the same node; succeeds when it has been moved already. */
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
