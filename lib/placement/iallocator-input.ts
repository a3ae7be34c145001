// The input of Ganeti's iallocator protocol, version 2 (doc/iallocator.rst in Ganeti), for external allocators.

import type { AllocateRequest, EvacMode } from '../allocator/model.ts';
import type { Disk } from '../model/disk.ts';
import { fillBeParams, fillIPolicy, fillNdParams, fillNicParams } from '../model/fill.ts';
import type { Instance } from '../model/instance.ts';
import { nodesOf } from '../model/mirror.ts';
import type { Nic } from '../model/nic.ts';
import type { Node } from '../model/node.ts';
import { type DiskTemplate, spaceOf } from '../model/templates/index.ts';
import type { ClusterView } from '../model/view.ts';
import type { RuntimeView } from '../rpc/runtime.ts';

/** A new instance for which nodes are needed. */
export interface NewInstance {
  name: string;
  os: string;
  hypervisor: string;
  nics: readonly Nic[];
  request: AllocateRequest;
}

/** A request to an allocator. The types are those of Ganeti's iallocator protocol. */
export type Question =
  | {
      type: 'allocate';
      wanted: NewInstance;
      /** The existing instance when only its disks are created again: what it uses now does not count. */
      instead?: Instance;
    }
  | { type: 'multi-allocate'; wanted: readonly NewInstance[] }
  /** A secondary for an instance that has none, with the template and disks that it will have. */
  | {
      type: 'allocate-secondary';
      instance: Instance;
      template: DiskTemplate;
      disks: readonly Disk[];
      ignore_ipolicy: boolean;
    }
  | { type: 'relocate'; instance: Instance; ignore_ipolicy: boolean }
  | {
      type: 'node-evacuate';
      instances: readonly Instance[];
      evac_mode: EvacMode;
      ignore_soft_errors: boolean;
    }
  /** To one of these groups (uuids); an empty list means any group but their own. */
  | { type: 'change-group'; instances: readonly Instance[]; target_groups: readonly string[] };

/** The input of the iallocator protocol for a question. */
export function iallocatorInput(view: ClusterView, runtime: RuntimeView, question: Question): object {
  const { cluster } = view;
  const instead = question.type === 'allocate' ? question.instead?.uuid : undefined;
  const instances = view.instances.list().filter(({ uuid }) => uuid !== instead);
  return {
    version: 2,
    cluster_name: cluster.name,
    cluster_tags: cluster.tags,
    enabled_hypervisors: cluster.enabled_hypervisors,
    ipolicy: cluster.ipolicy,
    nodegroups: Object.fromEntries(
      view.groups.list().map((group) => [
        group.uuid,
        {
          name: group.name,
          alloc_policy: group.alloc_policy,
          networks: Object.keys(group.networks),
          ipolicy: fillIPolicy(cluster.ipolicy, group.ipolicy),
          tags: group.tags,
        },
      ]),
    ),
    nodes: Object.fromEntries(view.nodes.list().map((node) => [node.name, nodeEntry(view, runtime, node)])),
    instances: Object.fromEntries(
      instances.map((instance) => [instance.name, instanceEntry(view, instance)]),
    ),
    request: { type: question.type, ...requestEntry(view, question) },
  };
}

/** A node that does not answer is given as offline, because the protocol has no state for it. */
function nodeEntry(view: ClusterView, runtime: RuntimeView, node: Node): object {
  const facts = runtime.of(node.uuid)?.node;
  const { tags, primary_ip, secondary_ip, drained, group, master_candidate, master_capable, vm_capable } =
    node;
  const fixed = {
    tags,
    primary_ip,
    secondary_ip,
    drained,
    group,
    master_candidate,
    master_capable,
    vm_capable,
    ndparams: fillNdParams(view.cluster, view.groups.get(group), node.ndparams),
    hv_state: {},
  };
  if (!facts || facts.memory_total === null || facts.memory_free === null) return { ...fixed, offline: true };
  return {
    ...fixed,
    offline: node.offline,
    total_disk: facts.disk_total ?? 0,
    free_disk: facts.disk_free ?? 0,
    total_spindles: facts.spindles_total ?? 0,
    free_spindles: facts.spindles_free ?? 0,
    total_cpus: facts.cpu_total ?? 0,
    reserved_cpus: 0, // guests share the host's CPUs
    total_memory: facts.memory_total,
    ...memoryEntry(view, runtime, node, facts.memory_total, facts.memory_free),
  };
}

/**
 * Memory of a node in MiB. Free memory is reduced by what instances may still take, up to their maxmem; the host's own memory is what is
 * neither free nor used by guests.
 */
function memoryEntry(view: ClusterView, runtime: RuntimeView, node: Node, total: number, measured: number) {
  const primaries = view.instancesOn(node.uuid);
  const sizes = primaries.map((instance) => {
    const { maxmem } = fillBeParams(view.cluster, instance.beparams);
    const guest = runtime.guest(node.uuid, instance);
    return { instance, maxmem, used: guest && guest.state !== 'stopped' ? guest.memory : 0 };
  });
  const promised = sizes.filter(({ instance }) => instance.admin_state !== 'offline');
  const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);
  return {
    reserved_memory: Math.max(0, total - measured - sum(sizes.map(({ used }) => used))),
    free_memory: measured - sum(promised.map(({ maxmem, used }) => Math.max(0, maxmem - used))),
    i_pri_memory: sum(promised.map(({ maxmem }) => maxmem)),
    i_pri_up_memory: sum(
      sizes.filter(({ instance }) => instance.admin_state === 'up').map(({ maxmem }) => maxmem),
    ),
  };
}

/** An instance in the protocol's `instances`. `disk_space_total` is in MiB. */
function instanceEntry(view: ClusterView, instance: Instance): object {
  const be = fillBeParams(view.cluster, instance.beparams);
  const disks = view.disksOf(instance);
  const { tags, admin_state, os, disk_template, hypervisor } = instance;
  return {
    tags,
    admin_state,
    os,
    disk_template,
    hypervisor,
    vcpus: be.vcpus,
    memory: be.maxmem,
    spindle_use: be.spindle_use,
    nodes: nodesOf(view, instance).flatMap((uuid) => view.nodes.get(uuid)?.name ?? []),
    nics: instance.nics.map((nic) => nicEntry(view, nic)),
    disks: disks.map(({ size, mode, spindles }) => ({ size, mode, spindles })),
    disks_active: admin_state === 'up' || instance.disks_active === true,
    disk_space_total: diskSpaceOf(view, instance),
  };
}

/** MiB that the disks of an instance take, wherever they are. */
function diskSpaceOf(view: ClusterView, instance: Instance): number {
  const sizes = view.disksOf(instance).map(({ size }) => size);
  return spaceOf(instance.disk_template, sizes);
}

/** A NIC, with the nic params that apply to it. */
function nicEntry(view: ClusterView, nic: Nic): object {
  const { mac, ip, network } = nic;
  const { mode, link } = fillNicParams(view.cluster, nic);
  return { mac, ip, network, mode, link, ...(mode === 'bridged' ? { bridge: link } : {}) };
}

/** The part of the input that is specific to the type of the request. */
function requestEntry(view: ClusterView, question: Question): object {
  switch (question.type) {
    case 'allocate':
      return newEntry(view, question.wanted);
    case 'multi-allocate':
      return { instances: question.wanted.map((wanted) => newEntry(view, wanted)) };
    case 'allocate-secondary':
      return { name: question.instance.name };
    case 'relocate': {
      const { instance } = question;
      const nodes = nodesOf(view, instance);
      return {
        name: instance.name,
        disk_space_total: diskSpaceOf(view, instance),
        required_nodes: 1,
        relocate_from: nodes.slice(-1).flatMap((uuid) => view.nodes.get(uuid)?.name ?? []),
      };
    }
    case 'node-evacuate':
      return { instances: question.instances.map(({ name }) => name), evac_mode: question.evac_mode };
    case 'change-group':
      return {
        instances: question.instances.map(({ name }) => name),
        target_groups: question.target_groups,
      };
  }
}

/** A new instance in a request. Excluded nodes are given as their complement, `restrict-to-nodes`: the protocol has no exclusion. */
function newEntry(view: ClusterView, { name, os, hypervisor, nics, request }: NewInstance): object {
  const { disk_template, tags, vcpus, memory, spindle_use, required_nodes, disks, groups, exclude } = request;
  const group = view.groups.get(groups?.[0] ?? '');
  const allowed = view.nodes.list().filter(({ uuid }) => !exclude?.includes(uuid));
  return {
    name,
    os,
    hypervisor,
    disk_template,
    tags,
    vcpus,
    memory,
    spindle_use,
    required_nodes,
    group_name: group?.name ?? null,
    disks: disks.map((size) => ({ size, mode: 'rw' })),
    disk_space_total: spaceOf(disk_template, disks),
    nics: nics.map((nic) => nicEntry(view, nic)),
    ...(exclude && exclude.length > 0 ? { 'restrict-to-nodes': allowed.map((node) => node.name) } : {}),
  };
}
