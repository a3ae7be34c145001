import { allocate } from '../../allocator/allocate.ts';
import type {
  AllocateRequest,
  AllocatorCluster,
  AllocatorInstance,
  AllocatorNode,
} from '../../allocator/model.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams, fillIPolicy, fillNdParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import { secondaryOf } from '../../model/mirror.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';

/** The name of the allocator that is built in. */
const BUILT_IN_ALLOCATOR = 'hail';

/** The cluster as the allocator sees it. */
function allocatorCluster(view: ClusterView, runtime: RuntimeView, without?: Instance): AllocatorCluster {
  const instances = view.instances.list().filter((instance) => instance.uuid !== without?.uuid);
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
    instances: instances.map((instance) => allocatorInstance(view, runtime, instance)),
  };
}

function allocatorNode(view: ClusterView, runtime: RuntimeView, node: Node): AllocatorNode {
  const { uuid, name, group, offline, drained, vm_capable, tags } = node;
  const facts = runtime.of(uuid)?.node;
  const ndparams = fillNdParams(view.cluster, view.groups.get(group), node.ndparams);
  return {
    ...{ uuid, name, group, offline, drained, vm_capable, tags },
    memory_total: facts?.memory_total ?? null,
    memory_free: facts?.memory_free ?? null,
    // What a node calls its own holds its guests' memory too, so it would count twice.
    memory_dom0: null,
    disk_total: facts?.disk_total ?? null,
    disk_free: facts?.disk_free ?? null,
    cpu_total: facts?.cpu_total ?? null,
    // The recordings count every CPU as the host's own; guests share them all the same.
    cpu_dom0: null,
    spindle_count: Number(ndparams.spindle_count ?? 1),
    exclusive_storage: ndparams.exclusive_storage === true,
    spindles_total: facts?.spindles_total ?? null,
    spindles_free: facts?.spindles_free ?? null,
  };
}

function allocatorInstance(view: ClusterView, runtime: RuntimeView, instance: Instance): AllocatorInstance {
  const be = fillBeParams(view.cluster, instance.beparams);
  const guest = runtime.guest(instance.primary_node, instance.name);
  return {
    primary: instance.primary_node,
    secondary: secondaryOf(view, instance),
    memory: be.maxmem,
    vcpus: be.vcpus,
    spindle_use: be.spindle_use,
    running: guest !== undefined && guest.state !== 'stopped',
    offline: instance.admin_state === 'offline',
    auto_balance: be.auto_balance,
    disk_template: instance.disk_template,
    tags: instance.tags,
  };
}

/**
 * The nodes for a new instance, or for one that is there (`without`) and moves, the primary first, as the named allocator chooses it.
 * `also` are instances that are about to be made.
 * @throws MerapiError execution when there is no such allocator, insufficient_resources telling what is short on each node
 */
export function chooseNode(
  view: ClusterView,
  runtime: RuntimeView,
  allocator: string,
  request: AllocateRequest,
  without?: Instance,
  also: readonly AllocatorInstance[] = [],
): { nodes: Node[]; words: string } {
  if (allocator !== BUILT_IN_ALLOCATOR)
    throw new MerapiError(
      'execution',
      `There is no allocator '${allocator}'; '${BUILT_IN_ALLOCATOR}' is built in`,
    );
  const known = allocatorCluster(view, runtime, without);
  const cluster = { ...known, instances: [...known.instances, ...also] };
  const answer = allocate(cluster, request);
  if (!answer.ok)
    throw new MerapiError(
      'insufficient_resources',
      `No node has room for the instance. ${answer.reasons.join('. ')}`,
    );
  const nodes = answer.nodes.map((uuid) => view.nodes.get(uuid)).filter((node) => node !== undefined);
  if (nodes.length < request.required_nodes)
    throw new MerapiError('internal_error', 'The allocator chose a node that does not exist');
  const { before, after } = answer.score;
  const scores = `the cluster's score goes from ${before.toFixed(4)} to ${after.toFixed(4)}`;
  return {
    nodes,
    words: `The built-in allocator chose ${nodes.map((node) => node.name).join(' and ')} of ${answer.considered} with room; ${scores}`,
  };
}

/** The names of networks, each once. */
function networkNames(view: ClusterView, uuids: readonly (string | null)[]): string[] {
  const networks = [...new Set(uuids)].map((uuid) => view.networks.get(uuid ?? ''));
  return networks.flatMap((network) => (network ? [network.name] : []));
}

/** What a placement must know of the NICs of an instance. */
export function nicNeeds(
  view: ClusterView,
  nics: readonly Nic[],
): Pick<AllocateRequest, 'nic_count' | 'networks'> {
  return {
    nic_count: nics.length,
    networks: networkNames(
      view,
      nics.map(({ network }) => network),
    ),
  };
}

/** What an instance that is there needs, with these disks. */
export function requestOf(view: ClusterView, instance: Instance, disks: readonly Disk[]): AllocateRequest {
  const be = fillBeParams(view.cluster, instance.beparams);
  const spindles = disks.map((disk) => disk.spindles);
  return {
    memory: be.maxmem,
    vcpus: be.vcpus,
    disks: disks.map((disk) => disk.size),
    disk_template: disks[0]?.dev_type ?? instance.disk_template,
    spindle_use: be.spindle_use,
    spindles: spindles.includes(null) ? null : spindles.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    ...nicNeeds(view, instance.nics),
    tags: instance.tags,
    required_nodes: disks.some((disk) => disk.dev_type === 'drbd') ? 2 : 1,
  };
}
