import type { IPolicy } from '../model/ipolicy.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { DiskTemplate } from '../model/templates/index.ts';

/** A node group with the policy that counts in it (all values filled in). */
export interface AllocatorGroup {
  readonly uuid: string;
  readonly name: string;
  readonly alloc_policy: NodeGroup['alloc_policy'];
  readonly ipolicy: IPolicy;
  /** The names of the networks that its nodes reach. */
  readonly networks: readonly string[];
}

/** A node with what it last told of itself; sizes in MiB. Null stands for what is not known. */
export interface AllocatorNode {
  readonly uuid: string;
  readonly name: string;
  /** Its group, by uuid. */
  readonly group: string;
  readonly offline: boolean;
  readonly drained: boolean;
  readonly vm_capable: boolean;
  readonly memory_total: number | null;
  /** What is free right now. */
  readonly memory_free: number | null;
  /** What the host itself needs, its guests not counted; null counts as nothing. */
  readonly memory_dom0: number | null;
  /** Where the node's own disks lie: its volume group, or the file system of its file storage. */
  readonly disk_total: number | null;
  readonly disk_free: number | null;
  readonly cpu_total: number | null;
  /** CPUs that the host keeps for itself; null counts as none. */
  readonly cpu_dom0: number | null;
  /** The node parameter: how many spindles' worth of load its local disks can take. */
  readonly spindle_count: number;
  /** Whether each instance has physical disks of its own; the spindles below are counted only then. */
  readonly exclusive_storage: boolean;
  readonly spindles_total: number | null;
  readonly spindles_free: number | null;
  readonly tags: readonly string[];
}

/** What an instance needs of its nodes; sizes in MiB. */
export interface Needs {
  /** The most that it may use. */
  readonly memory: number;
  readonly vcpus: number;
  /** The size of each disk. */
  readonly disks: readonly number[];
  readonly disk_template: DiskTemplate;
  readonly spindle_use: number;
  /** Physical spindles of all its disks; needed where storage is exclusive. */
  readonly spindles: number | null;
  readonly nic_count: number;
  /** The names of the networks that it has NICs in. */
  readonly networks?: readonly string[];
  readonly tags: readonly string[];
}

/** An instance that has its place. */
export interface AllocatorInstance extends Needs {
  readonly uuid: string;
  readonly name: string;
  /** Its nodes, by uuid; a secondary only where disks are mirrored between two nodes. */
  readonly primary: string;
  readonly secondary: string | null;
  /** Whether its memory is taken from its node's free memory now. */
  readonly running: boolean;
  /** Whether an administrator took it out of service: it then keeps its disks, but neither memory nor CPUs. */
  readonly offline: boolean;
  /** Whether its secondary keeps memory free, to take it over when the primary fails. */
  readonly auto_balance: boolean;
}

/** All that placement looks at; never changed by it. */
export interface AllocatorCluster {
  readonly tags: readonly string[];
  readonly groups: readonly AllocatorGroup[];
  readonly nodes: readonly AllocatorNode[];
  readonly instances: readonly AllocatorInstance[];
}

/** A place that is looked for. */
export interface AllocateRequest extends Needs {
  /** How many nodes are wanted: two (a primary and a secondary) where disks are mirrored between nodes. */
  readonly required_nodes: 1 | 2;
  /** Only these groups, by uuid; by default all. */
  readonly groups?: readonly string[];
  /** Whether groups that take no new instances count as well: for an instance that is in its group already. */
  readonly any_policy?: boolean;
  /** The primary node (uuid) where it is decided already: then only a secondary is looked for. */
  readonly primary?: string;
  /** Nodes (uuids) that must not be taken. */
  readonly exclude?: readonly string[];
  /** Whether the sizes that the instance policies allow do not matter; room must be there all the same. */
  readonly ignore_ipolicy?: boolean;
  /** Whether only memory and disk space matter: neither CPUs, spindles, exclusion tags nor what is kept for failover. */
  readonly ignore_soft_errors?: boolean;
}

/** Where an instance goes, or why it goes nowhere. */
export type Allocation =
  | {
      readonly ok: true;
      /** By uuid, the primary first. */
      readonly nodes: readonly string[];
      /** How unevenly the nodes are loaded, before and with the instance; 0 is a perfect balance. */
      readonly score: { readonly before: number; readonly after: number };
      /** How many placements had room, the chosen one included. */
      readonly considered: number;
    }
  | {
      readonly ok: false;
      /** One sentence for each group or node that was looked at, telling what is missing and how much. */
      readonly reasons: readonly string[];
      /** Whether a node might have room that does not tell at the moment. */
      readonly temporary: boolean;
    };

/** What is done to an instance, one after the other: its secondary node becomes another one, or it goes to another primary. */
export type MoveStep =
  | { readonly kind: 'secondary'; readonly to: string }
  /** Where its disks are on every node, `to` is the new one; else it goes to its secondary, whose role the old one takes. */
  | { readonly kind: 'primary'; readonly to: string | null };

/** An instance that leaves its place. */
export interface Moved {
  readonly instance: AllocatorInstance;
  /** Its new nodes by uuid, the primary first. */
  readonly nodes: readonly string[];
  readonly steps: readonly MoveStep[];
}

/** Which instances leave their places, and why others cannot. */
export interface Evacuation {
  readonly moved: readonly Moved[];
  readonly failed: readonly { readonly instance: AllocatorInstance; readonly reason: string }[];
}

/** Which of its nodes instances leave. */
export type EvacMode = 'primary-only' | 'secondary-only' | 'all';
