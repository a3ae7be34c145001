// The input and output of the built-in allocator. It knows nothing of the store or of nodes: placement/allocator-cluster.ts makes the
// input.

import type { IPolicy } from '../model/ipolicy.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { DiskTemplate } from '../model/templates/index.ts';

/** A node group with its effective instance policy. */
export interface AllocatorGroup {
  readonly uuid: string;
  readonly name: string;
  readonly alloc_policy: NodeGroup['alloc_policy'];
  readonly ipolicy: IPolicy;
  /** The names of the networks that its nodes reach. */
  readonly networks: readonly string[];
}

/** A node with the resources that it reported last; sizes in MiB. Null means not known. */
export interface AllocatorNode {
  readonly uuid: string;
  readonly name: string;
  /** Its group, by uuid. */
  readonly group: string;
  readonly offline: boolean;
  readonly drained: boolean;
  readonly vm_capable: boolean;
  readonly memory_total: number | null;
  /** Measured now. */
  readonly memory_free: number | null;
  /** Memory of the host itself, without its guests; null counts as 0. */
  readonly memory_dom0: number | null;
  /** Space for local disks: of the volume group, or of the file system with the file storage. */
  readonly disk_total: number | null;
  readonly disk_free: number | null;
  readonly cpu_total: number | null;
  /** CPUs that are reserved for the host; null counts as 0. */
  readonly cpu_dom0: number | null;
  /** The node parameter of this name: the load that its local disks can take, in spindles. */
  readonly spindle_count: number;
  /** Whether each instance gets physical disks of its own; the spindles below matter only then. */
  readonly exclusive_storage: boolean;
  readonly spindles_total: number | null;
  readonly spindles_free: number | null;
  readonly tags: readonly string[];
}

/** The resources that an instance needs; sizes in MiB. */
export interface Needs {
  /** Its `maxmem`. */
  readonly memory: number;
  readonly vcpus: number;
  /** The size of each disk. */
  readonly disks: readonly number[];
  readonly disk_template: DiskTemplate;
  readonly spindle_use: number;
  /** Physical spindles of all its disks together; required on nodes with exclusive storage. */
  readonly spindles: number | null;
  readonly nic_count: number;
  /** The names of the networks that it has NICs in. */
  readonly networks?: readonly string[];
  readonly tags: readonly string[];
}

/** An instance with its nodes. */
export interface AllocatorInstance extends Needs {
  readonly uuid: string;
  readonly name: string;
  /** Its nodes, by uuid; a secondary only when its disks are mirrored between two nodes. */
  readonly primary: string;
  readonly secondary: string | null;
  /** Whether it runs, so that its node's `memory_free` is less by its memory. */
  readonly running: boolean;
  /** Whether its admin state is `offline`: it then has disks, but needs neither memory nor CPUs. */
  readonly offline: boolean;
  /** Whether its secondary reserves memory for it, for a failover. */
  readonly auto_balance: boolean;
}

/** All data that placement uses. Never modified: moves return a changed copy. */
export interface AllocatorCluster {
  readonly tags: readonly string[];
  readonly groups: readonly AllocatorGroup[];
  readonly nodes: readonly AllocatorNode[];
  readonly instances: readonly AllocatorInstance[];
}

/** A request for nodes for an instance. */
export interface AllocateRequest extends Needs {
  /** How many nodes are needed: two (a primary and a secondary) when disks are mirrored between nodes. */
  readonly required_nodes: 1 | 2;
  /** Use only these groups (uuids); by default all. */
  readonly groups?: readonly string[];
  /** Whether to ignore allocation policies of groups: for an instance that stays in its group. */
  readonly any_policy?: boolean;
  /** The primary node (uuid) when it is fixed: then only a secondary is searched. */
  readonly primary?: string;
  /** Nodes (uuids) that must not be used. */
  readonly exclude?: readonly string[];
  /** Whether to ignore the bounds of instance policies; resources must be free all the same. */
  readonly ignore_ipolicy?: boolean;
  /** Whether to check only memory and disk space: not CPUs, spindles, exclusion tags and reserved memory. */
  readonly ignore_soft_errors?: boolean;
}

/** The nodes for an instance, or why there are none. */
export type Allocation =
  | {
      readonly ok: true;
      /** By uuid, the primary first. */
      readonly nodes: readonly string[];
      /** The cluster's score before and with the instance; lower is better, 0 is a perfect balance. */
      readonly score: { readonly before: number; readonly after: number };
      /** How many placements had room, including the chosen one. */
      readonly considered: number;
    }
  | {
      readonly ok: false;
      /** One sentence for each group or node that was considered: what is missing, and how much. */
      readonly reasons: readonly string[];
      /** Whether the failure may be temporary: a node whose resources are not known now might have room. */
      readonly temporary: boolean;
    };

/** A step of a move: the instance gets another secondary node, or another primary. Steps are done one after the other. */
export type MoveStep =
  | { readonly kind: 'secondary'; readonly to: string }
  /** With shared disks, `to` is the new primary; null means its secondary, which swaps roles with the primary. */
  | { readonly kind: 'primary'; readonly to: string | null };

/** An instance that is moved. */
export interface Moved {
  readonly instance: AllocatorInstance;
  /** Its new nodes by uuid, the primary first. */
  readonly nodes: readonly string[];
  readonly steps: readonly MoveStep[];
}

/** The instances that are moved, and why the others cannot be. */
export interface Evacuation {
  readonly moved: readonly Moved[];
  readonly failed: readonly { readonly instance: AllocatorInstance; readonly reason: string }[];
}

/** Which of their nodes the instances leave. */
export type EvacMode = 'primary-only' | 'secondary-only' | 'all';
