import type { DiskTemplate } from '../../model/diskparams/index.ts';
import type { DiskTarget, MirrorStatus } from '../../rpc/types.ts';

/** What a node knows of the data of one disk. */
export interface DiskStatus {
  /** The absolute path at which the hypervisor finds it; null when the template has none. */
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
 * A driver of one disk template on one node. Every method is idempotent. Failures are MerapiErrors: `wrong_input` for a
 * disk that this node must not touch, `block_device` with the system's own words for the rest.
 */
export interface StorageDriver {
  readonly template: DiskTemplate;
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
  /** Removes the data and what was made to hold it; succeeds when it is gone. */
  remove(disk: DiskTarget): Promise<void>;
  status(disk: DiskTarget): Promise<DiskStatus>;
}
