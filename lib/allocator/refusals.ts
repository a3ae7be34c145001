// Why nodes cannot be used, in words with numbers. These texts are the failure messages of jobs.

import type { Demand, NodeState } from './capacity.ts';

/** Why nothing new may be placed on a node, whatever its size; empty when it can be used. */
export function closedReasons({ node }: NodeState): string[] {
  if (node.offline) return ['it is offline'];
  if (node.drained) return ['it is drained'];
  if (!node.vm_capable) return ['it is not capable of running instances'];
  return unansweredReasons({ node });
}

/** Why no instance can be started on a node, not even one whose data is there: it is offline, or has not reported its resources. */
export function unansweredReasons({ node }: Pick<NodeState, 'node'>): string[] {
  if (node.offline) return ['it is offline'];
  if (node.memory_total === null || node.memory_free === null) return ['its free memory is not known'];
  if (node.cpu_total === null || node.cpu_total <= 0) return ['its number of CPUs is not known'];
  return [];
}

/** Whether a node could be used, but its memory is not known, as when it does not answer. */
export function isSilent({ node }: NodeState): boolean {
  const isUsable = !node.offline && !node.drained && node.vm_capable;
  return isUsable && (node.memory_total === null || node.memory_free === null);
}

/**
 * What a node lacks to be the primary node; empty when there is room. With `ignoreSoft` only memory and disk space count, not what
 * merely breaks a rule.
 */
export function primaryProblems(state: NodeState, demand: Demand, ignoreSoft = false): string[] {
  if (ignoreSoft)
    return [...short('MiB of memory', demand.memory, state.memory), ...diskProblems(state, demand)];
  const limit = (state.node.cpu_total ?? 0) * state.group.ipolicy['vcpu-ratio'];
  const shared = demand.exclusion.filter((tag) => state.exclusion.has(tag));
  return [
    ...memoryProblems(state, demand.memory, state.reserved),
    ...short('virtual CPUs', demand.vcpus, Math.floor(limit) - state.vcpus),
    ...storageProblems(state, demand),
    ...shared.map((tag) => `it has an instance with the exclusion tag ${tag}`),
  ];
}

/** What a node lacks to be the secondary node, when it must then reserve `reserved` MiB of memory; empty when there is room. */
export function secondaryProblems(
  state: NodeState,
  demand: Demand,
  reserved: number,
  ignoreSoft = false,
): string[] {
  if (ignoreSoft) return diskProblems(state, demand);
  return [...memoryProblems(state, 0, reserved), ...storageProblems(state, demand)];
}

function memoryProblems(state: NodeState, needed: number, reserved: number): string[] {
  const free = state.memory;
  if (needed + reserved <= free) return [];
  if (reserved === 0) return short('MiB of memory', needed, free);
  const details = `needs ${needed} beside ${reserved} kept for failover, ${room(free)}`;
  return [`${needed + reserved - free} MiB of memory short (${details})`];
}

function diskProblems(state: NodeState, demand: Demand): string[] {
  const disk = demand.disk + demand.files;
  if (disk > 0 && state.node.disk_free === null) return ['its free disk space is not known'];
  return short('MiB of disk space', disk, state.disk);
}

function storageProblems(state: NodeState, demand: Demand): string[] {
  const problems = diskProblems(state, demand);
  const free = state.spindleLimit - state.spindles;
  if (!state.node.exclusive_storage) problems.push(...short('spindle use', demand.spindleUse, free));
  else if (demand.spindles !== null) problems.push(...short('spindles', demand.spindles, free));
  else problems.push('its storage is exclusive, so the spindles of each disk must be given');
  return problems;
}

function short(what: string, needed: number, free: number): string[] {
  if (needed === 0 || needed <= free) return [];
  return [`${needed - free} ${what} short (needs ${needed}, ${room(free)})`];
}

function room(free: number): string {
  return free < 0 ? `${-free} over-committed` : `${free} free`;
}
