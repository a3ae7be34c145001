// What nodes have free and what instances need, as far as placement counts it. The accounting is that of Ganeti's htools: memory that
// is promised to stopped instances is not free, and secondaries reserve memory for failovers (N+1).

import { compareNames } from '../model/names.ts';
import { type DiskTemplate, spaceOf, templates } from '../model/templates/index.ts';
import type { AllocatorCluster, AllocatorGroup, AllocatorInstance, AllocatorNode, Needs } from './model.ts';
import { type TagRules, tagsWith } from './tags.ts';

/** Whether disks of a template are in the node's volume group: only those use its disk space and spindles. */
const isInVolumeGroup = (template: DiskTemplate) => templates[template].space === 'volume-group';

/** What an instance needs on a node. Memory and disk in MiB. */
export interface Demand {
  memory: number;
  vcpus: number;
  /** Space in the volume group. */
  disk: number;
  /** Space that its disk files may use. It must be free, but it does not count in scores: Ganeti's hail does not know it. */
  files: number;
  /** Its share of the disks' load; 0 without disks in the volume group. */
  spindleUse: number;
  /** Physical spindles on nodes with exclusive storage: 0 without disks in the volume group, null when the request has none. */
  spindles: number | null;
  /** Its exclusion tags. */
  exclusion: readonly string[];
}

/** The resources of a node and their use. Memory and disk in MiB. */
export interface NodeState {
  readonly node: AllocatorNode;
  readonly group: AllocatorGroup;
  /** Memory that is free now: the measured value, or the total less what running instances may use, whichever is less. */
  readonly memoryNow: number;
  /** Memory that would be free if all instances ran: what new instances can get. Negative when the node is over-committed. */
  readonly memory: number;
  /** Memory to keep free for failovers, so that any one other node may fail: the maximum of `peers`. */
  readonly reserved: number;
  /** Memory of the instances that have this node as secondary, by their primary node (uuid). */
  readonly peers: ReadonlyMap<string, number>;
  readonly disk: number;
  readonly vcpus: number;
  readonly spindles: number;
  readonly spindleLimit: number;
  readonly primaries: number;
  readonly secondaries: number;
  /** Exclusion tags of its primary instances. */
  readonly exclusion: ReadonlySet<string>;
  readonly locations: readonly string[];
}

/** What an instance needs on each of its nodes. */
export function demandOf(needs: Needs, rules: TagRules): Demand {
  const local = isInVolumeGroup(needs.disk_template);
  return {
    memory: needs.memory,
    vcpus: needs.vcpus,
    disk: volumeSpace(needs),
    files: fileSpace(needs),
    spindleUse: local ? needs.spindle_use : 0,
    spindles: local ? needs.spindles : 0,
    exclusion: tagsWith(needs.tags, rules.exclusion),
  };
}

/** MiB of a node's own file system that its disks may take: files grow as they are filled. */
export function fileSpace({ disk_template, disks }: Pick<Needs, 'disk_template' | 'disks'>): number {
  return templates[disk_template].space === 'file-system' ? spaceOf(disk_template, disks) : 0;
}

/** MiB of a node's volume group that its disks take. */
export function volumeSpace({ disk_template, disks }: Pick<Needs, 'disk_template' | 'disks'>): number {
  return isInVolumeGroup(disk_template) ? spaceOf(disk_template, disks) : 0;
}

/** The present states of the nodes, sorted by name; nodes of groups that are not in `cluster` are left out. */
export function nodeStates(cluster: AllocatorCluster, rules: TagRules): NodeState[] {
  const groups = new Map(cluster.groups.map((group) => [group.uuid, group]));
  const tallies = new Map(cluster.nodes.map((node) => [node.uuid, newTally()]));
  for (const instance of cluster.instances) count(tallies, instance, rules);
  return cluster.nodes
    .flatMap((node) => {
      const group = groups.get(node.group);
      return group ? [stateOf(node, group, tallies.get(node.uuid) ?? newTally(), rules)] : [];
    })
    .sort((a, b) => compareNames(a.node.name, b.node.name));
}

/** Sums over the instances of one node. */
interface Tally {
  /** Memory of running instances, and of the others. */
  running: number;
  stopped: number;
  vcpus: number;
  spindles: number;
  primaries: number;
  secondaries: number;
  peers: Map<string, number>;
  exclusion: Set<string>;
}

function newTally(): Tally {
  return {
    running: 0,
    stopped: 0,
    vcpus: 0,
    spindles: 0,
    primaries: 0,
    secondaries: 0,
    peers: new Map(),
    exclusion: new Set(),
  };
}

/** Adds an instance to the sums of its nodes. */
function count(tallies: ReadonlyMap<string, Tally>, instance: AllocatorInstance, rules: TagRules): void {
  const spindles = isInVolumeGroup(instance.disk_template) ? instance.spindle_use : 0;
  const primary = tallies.get(instance.primary);
  if (primary) {
    primary.primaries += 1;
    primary.spindles += spindles;
    if (!instance.offline) {
      primary.vcpus += instance.vcpus;
      if (instance.running) primary.running += instance.memory;
      else primary.stopped += instance.memory;
    }
    for (const tag of tagsWith(instance.tags, rules.exclusion)) primary.exclusion.add(tag);
  }
  const secondary = instance.secondary === null ? undefined : tallies.get(instance.secondary);
  if (!secondary) return;
  secondary.secondaries += 1;
  secondary.spindles += spindles;
  if (instance.auto_balance && !instance.offline) {
    const reserved = secondary.peers.get(instance.primary) ?? 0;
    secondary.peers.set(instance.primary, reserved + instance.memory);
  }
}

function stateOf(node: AllocatorNode, group: AllocatorGroup, tally: Tally, rules: TagRules): NodeState {
  const { exclusive_storage: exclusive, spindles_total, spindles_free } = node;
  const byRecord = (node.memory_total ?? 0) - (node.memory_dom0 ?? 0) - tally.running;
  const memoryNow = Math.min(byRecord, node.memory_free ?? 0);
  return {
    node,
    group,
    memoryNow,
    memory: memoryNow - tally.stopped,
    reserved: Math.max(0, ...tally.peers.values()),
    peers: tally.peers,
    disk: node.disk_free ?? 0,
    vcpus: tally.vcpus + (node.cpu_dom0 ?? 0),
    spindles: exclusive ? (spindles_total ?? 0) - (spindles_free ?? 0) : tally.spindles,
    spindleLimit: exclusive ? (spindles_total ?? 0) : group.ipolicy['spindle-ratio'] * node.spindle_count,
    primaries: tally.primaries,
    secondaries: tally.secondaries,
    exclusion: tally.exclusion,
    locations: tagsWith(node.tags, rules.location),
  };
}

function spindlesOf(state: NodeState, demand: Demand): number {
  return state.node.exclusive_storage ? (demand.spindles ?? 0) : demand.spindleUse;
}

/** The state of a node with the new instance as primary, for scores. */
export function asPrimary(state: NodeState, demand: Demand): NodeState {
  return {
    ...state,
    memoryNow: state.memoryNow - demand.memory,
    memory: state.memory - demand.memory,
    disk: state.disk - demand.disk,
    vcpus: state.vcpus + demand.vcpus,
    spindles: state.spindles + spindlesOf(state, demand),
    primaries: state.primaries + 1,
  };
}

/** The state of a node with the new instance as secondary of the node `primary` (uuid), for scores. */
export function asSecondary(state: NodeState, demand: Demand, primary: string): NodeState {
  return {
    ...state,
    reserved: reservedWith(state, demand, primary),
    disk: state.disk - demand.disk,
    spindles: state.spindles + spindlesOf(state, demand),
    secondaries: state.secondaries + 1,
  };
}

/** The memory that a secondary must reserve with the new instance. A `primary` of null stands for a node with no other instance here. */
export function reservedWith(state: NodeState, demand: Demand, primary: string | null): number {
  const reserved = primary === null ? 0 : (state.peers.get(primary) ?? 0);
  return Math.max(state.reserved, reserved + demand.memory);
}
