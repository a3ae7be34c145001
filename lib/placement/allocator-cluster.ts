// Makes the input of the built-in allocator from the cluster and the resources that its nodes have reported.

import type { AllocatorCluster, AllocatorInstance, AllocatorNode, Needs } from '../allocator/model.ts';
import type { Disk } from '../model/disk.ts';
import { fillBeParams, fillIPolicy, fillNdParams } from '../model/fill.ts';
import type { Instance } from '../model/instance.ts';
import { secondaryOf } from '../model/mirror.ts';
import type { Nic } from '../model/nic.ts';
import type { Node } from '../model/node.ts';
import type { ClusterView } from '../model/view.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import { isRunning } from '../rpc/runtime.ts';

/** The present cluster as input of the built-in allocator. */
export function allocatorCluster(view: ClusterView, runtime: RuntimeView): AllocatorCluster {
  return {
    tags: view.cluster.tags,
    groups: view.groups.list().map(({ uuid, name, alloc_policy, ipolicy, networks }) => ({
      uuid,
      name,
      alloc_policy,
      ipolicy: fillIPolicy(view.cluster.ipolicy, ipolicy),
      networks: networkNames(view, Object.keys(networks)),
    })),
    nodes: view.nodes.list().map((node) => allocatorNode(view, runtime, node)),
    instances: view.instances
      .list()
      .map((instance) => allocatorInstance(view, runtime, instance, view.disksOf(instance))),
  };
}

/** A node with its last reported resources; a node that has reported none has null for each. */
function allocatorNode(view: ClusterView, runtime: RuntimeView, node: Node): AllocatorNode {
  const { uuid, name, group, offline, drained, vm_capable, tags } = node;
  const facts = runtime.of(uuid)?.node;
  const ndparams = fillNdParams(view.cluster, view.groups.get(group), node.ndparams);
  return {
    uuid,
    name,
    group,
    offline,
    drained,
    vm_capable,
    tags,
    memory_total: facts?.memory_total ?? null,
    memory_free: facts?.memory_free ?? null,
    // The `memory_dom0` that nodes report includes the memory of their guests, which would then count twice.
    memory_dom0: null,
    disk_total: facts?.disk_total ?? null,
    disk_free: facts?.disk_free ?? null,
    cpu_total: facts?.cpu_total ?? null,
    // Nodes report every CPU as the host's own, as Ganeti's do; guests share these CPUs.
    cpu_dom0: null,
    spindle_count: Number(ndparams.spindle_count ?? 1),
    exclusive_storage: ndparams.exclusive_storage === true,
    spindles_total: facts?.spindles_total ?? null,
    spindles_free: facts?.spindles_free ?? null,
  };
}

/** An existing instance with these disks as input of the allocator. */
export function allocatorInstance(
  view: ClusterView,
  runtime: RuntimeView,
  instance: Instance,
  disks: readonly Disk[],
): AllocatorInstance {
  const { uuid, name, primary_node: primary, admin_state } = instance;
  return {
    ...needsOf(view, instance, disks),
    uuid,
    name,
    primary,
    secondary: secondaryOf(view, instance),
    running: isRunning(runtime, instance),
    offline: admin_state === 'offline',
    auto_balance: fillBeParams(view.cluster, instance.beparams).auto_balance,
  };
}

/** The resources that an existing or new instance needs with these disks. */
export function needsOf(
  view: ClusterView,
  instance: Pick<Instance, 'beparams' | 'disk_template' | 'nics' | 'tags'>,
  disks: readonly Disk[],
): Needs {
  const be = fillBeParams(view.cluster, instance.beparams);
  const spindles = disks.map((disk) => disk.spindles);
  return {
    memory: be.maxmem,
    vcpus: be.vcpus,
    disks: disks.map((disk) => disk.size),
    disk_template: disks[0]?.dev_type ?? instance.disk_template,
    spindle_use: be.spindle_use,
    spindles: spindles.includes(null) ? null : spindles.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    nic_count: instance.nics.length,
    networks: networksOf(view, instance.nics),
    tags: instance.tags,
  };
}

function networksOf(view: ClusterView, nics: readonly Nic[]): string[] {
  return networkNames(
    view,
    nics.map(({ network }) => network),
  );
}

/** The names of networks, each once. */
function networkNames(view: ClusterView, uuids: readonly (string | null)[]): string[] {
  const networks = [...new Set(uuids)].map((uuid) => view.networks.get(uuid ?? ''));
  return networks.flatMap((network) => (network ? [network.name] : []));
}
