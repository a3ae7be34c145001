import { MerapiError } from '../../lib/base/errors.ts';
import { beParamDefaults } from '../../lib/model/beparams.ts';
import type { Cluster } from '../../lib/model/cluster.ts';
import type { Disk } from '../../lib/model/disk.ts';
import { diskParamDefaults } from '../../lib/model/diskparams/index.ts';
import { compareDuties, type Duty } from '../../lib/model/duty.ts';
import { compareFilters, type JobFilter } from '../../lib/model/filter.ts';
import { type HypervisorName, hypervisorParams } from '../../lib/model/hvparams/index.ts';
import type { Instance } from '../../lib/model/instance.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';
import { mirrorNodes, mirrorPort, secondaryOf } from '../../lib/model/mirror.ts';
import { compareNames } from '../../lib/model/names.ts';
import { ndParamDefaults } from '../../lib/model/ndparams.ts';
import type { Network } from '../../lib/model/network.ts';
import { type Nic, nicParamDefaults } from '../../lib/model/nic.ts';
import type { Node } from '../../lib/model/node.ts';
import type { NodeGroup } from '../../lib/model/nodegroup.ts';
import { newObject } from '../../lib/model/object.ts';
import type { ClusterView, ObjectTable } from '../../lib/model/view.ts';
import type { GuestFacts, NodeFacts, RuntimeFacts } from '../../lib/rpc/types.ts';
import type { NodeSource } from '../../lib/views/define.ts';

const NOW = 1_700_000_000.25;

/** A cluster with Ganeti's defaults and the fake hypervisor, changed as told. */
export function aCluster(patch: Partial<Cluster> = {}): Cluster {
  const hvparams = Object.fromEntries(
    Object.entries(hypervisorParams).map(([name, set]) => [name, { ...set.defaults }]),
  ) as Record<HypervisorName, Record<string, unknown>>;
  return {
    ...newObject('cluster-uuid', NOW),
    name: 'cluster.example.com',
    master_node: 'node1-uuid',
    enabled_hypervisors: ['fake'],
    enabled_disk_templates: ['diskless', 'file'],
    hvparams,
    os_hvp: {},
    beparams: { ...beParamDefaults },
    nicparams: { ...nicParamDefaults },
    ndparams: { ...ndParamDefaults },
    osparams: {},
    diskparams: structuredClone(diskParamDefaults),
    ipolicy: structuredClone(ipolicyDefaults),
    candidate_pool_size: 10,
    awaited_nodes: [],
    stopped_instances: [],
    max_running_jobs: 20,
    max_tracked_jobs: 25,
    mac_prefix: 'aa:00:00',
    master_netdev: 'xen-br0',
    master_netmask: 32,
    file_storage_dir: '/srv/file-storage',
    shared_file_storage_dir: '/srv/shared-file-storage',
    gluster_storage_dir: '/srv/gluster',
    os_search_path: ['/srv/os'],
    iallocator_search_path: [],
    queue_drained: false,
    archive_after: 21_600,
    default_iallocator: 'hail',
    default_iallocator_params: {},
    hidden_os: [],
    blacklisted_os: [],
    osparams_private: null,
    vg_name: null,
    drbd_helper: null,
    uid_pool: [],
    reserved_lvs: [],
    compression_tools: ['gzip'],
    use_external_mip_script: false,
    modify_etc_hosts: false,
    enabled_user_shutdown: false,
    enabled_data_collectors: {},
    data_collector_interval: {},
    prealloc_wipe_disks: false,
    maintain_node_health: false,
    tags: [],
    ...patch,
  };
}

/** A node group, by default the group `default`. */
export function aGroup(patch: Partial<NodeGroup> = {}): NodeGroup {
  const name = patch.name ?? 'default';
  return {
    ...newObject(`${name}-uuid`, NOW),
    name,
    alloc_policy: 'preferred',
    ndparams: {},
    diskparams: {},
    ipolicy: {},
    networks: {},
    tags: [],
    ...patch,
  };
}

/** A node with the short name `short` in the group `default`; its uuid is `SHORT-uuid`. */
export function aNode(short: string, patch: Partial<Node> = {}): Node {
  return {
    ...newObject(`${short}-uuid`, NOW),
    name: `${short}.example.com`,
    group: 'default-uuid',
    primary_ip: '198.51.100.11',
    secondary_ip: '198.51.100.11',
    master_candidate: true,
    offline: false,
    drained: false,
    master_capable: true,
    vm_capable: true,
    ndparams: {},
    tags: [],
    ...patch,
  };
}

/** An instance with the short name `short`, without disks, meant to run on node1. */
export function anInstance(short: string, patch: Partial<Instance> = {}): Instance {
  return {
    ...newObject(`${short}-uuid`, NOW),
    name: `${short}.example.com`,
    primary_node: 'node1-uuid',
    os: 'noop',
    hypervisor: 'fake',
    hvparams: {},
    beparams: {},
    osparams: {},
    osparams_private: null,
    admin_state: 'up',
    admin_state_source: 'admin',
    disk_template: 'diskless',
    disks: [],
    nics: [],
    network_port: null,
    tags: [],
    ...patch,
  };
}

/** A NIC that inherits everything. */
export function aNic(uuid: string, patch: Partial<Nic> = {}): Nic {
  return { uuid, name: null, mac: 'aa:00:00:00:00:01', ip: null, network: null, nicparams: {}, ...patch };
}

/** Nodes that have no OS definition. */
export const noNodes: NodeSource = { operatingSystems: async () => [], exports: async () => [] };

/** The network 192.0.2.0/29 with a gateway. */
export function aNetwork(name: string, patch: Partial<Network> = {}): Network {
  return {
    ...newObject(`${name}-uuid`, NOW),
    name,
    network: '192.0.2.0/29',
    gateway: '192.0.2.1',
    network6: null,
    gateway6: null,
    mac_prefix: null,
    reservations: ['192.0.2.0', '192.0.2.1', '192.0.2.7'],
    tags: [],
    ...patch,
  };
}

/** A file disk. */
export function aDisk(uuid: string, patch: Partial<Disk> = {}): Disk {
  return {
    ...newObject(uuid, NOW),
    name: null,
    dev_type: 'file',
    logical_id: ['loop', `/srv/file-storage/${uuid}`],
    size: 64,
    mode: 'rw',
    spindles: null,
    params: {},
    instance: null,
    ...patch,
  };
}

/** A running guest of the instance with the short name `short`. */
export function aGuest(short: string, patch: Partial<GuestFacts> = {}): GuestFacts {
  const name = `${short}.example.com`;
  return {
    name,
    uuid: `${short}-uuid`,
    hypervisor: 'fake',
    state: 'running',
    memory: 256,
    vcpus: 2,
    by_user: false,
    console: { instance: name, kind: 'msg', message: 'none' },
    ...patch,
  };
}

/** What a node tells of itself, with these guests. */
export function someFacts(guests: GuestFacts[] = [], patch: Partial<NodeFacts> = {}): RuntimeFacts {
  const node: NodeFacts = {
    memory_total: 16384,
    memory_free: 8192,
    memory_dom0: 1024,
    disk_total: 100_000,
    disk_free: 50_000,
    spindles_total: null,
    spindles_free: null,
    cpu_total: 8,
    cpu_nodes: 1,
    cpu_sockets: 2,
    cpu_dom0: 4,
    bootid: 'b0071d',
    ...patch,
  };
  return { epoch: 'life-1', version: 1, node, guests };
}

class ArrayTable<T extends { uuid: string; name: string }> implements ObjectTable<T> {
  readonly #list: readonly T[];
  readonly #byUuid: ReadonlyMap<string, T>;
  readonly #byName: ReadonlyMap<string, T>;

  constructor(objects: readonly T[]) {
    this.#list = [...objects].sort((a, b) => compareNames(a.name, b.name));
    this.#byUuid = new Map(objects.map((object) => [object.uuid, object]));
    this.#byName = new Map(objects.map((object) => [object.name, object]));
  }

  get size(): number {
    return this.#list.length;
  }

  get(uuid: string): T | undefined {
    return this.#byUuid.get(uuid);
  }

  named(name: string): T | undefined {
    return this.#byName.get(name);
  }

  list(): readonly T[] {
    return this.#list;
  }
}

/** What a view of the test's own making consists of; the group `default` and a cluster are there unless given. */
export interface ViewParts {
  cluster?: Cluster | null;
  nodes?: readonly Node[];
  groups?: readonly NodeGroup[];
  instances?: readonly Instance[];
  disks?: readonly Disk[];
  networks?: readonly Network[];
  filters?: readonly JobFilter[];
  duties?: readonly Duty[];
}

/** A cluster view over plain arrays. */
export function viewOf(parts: ViewParts): ClusterView {
  const cluster = parts.cluster === undefined ? aCluster() : parts.cluster;
  const nodes = new ArrayTable(parts.nodes ?? []);
  const groups = new ArrayTable(parts.groups ?? [aGroup()]);
  const instances = new ArrayTable(parts.instances ?? []);
  const networks = new ArrayTable(parts.networks ?? []);
  const disks = new Map((parts.disks ?? []).map((disk) => [disk.uuid, disk]));
  return {
    version: 1,
    initialised: cluster !== null,
    get cluster(): Cluster {
      if (!cluster) throw new MerapiError('unavailable', 'The cluster is not initialised yet');
      return cluster;
    },
    nodes,
    groups,
    instances,
    filters: [...(parts.filters ?? [])].sort(compareFilters),
    duties: [...(parts.duties ?? [])].sort(compareDuties),
    duty: (uuid) => parts.duties?.find((duty) => duty.uuid === uuid),
    disk: (uuid) => disks.get(uuid),
    freeDisks: () => [...disks.values()].filter((disk) => disk.instance === null),
    disksOf: (instance) => instance.disks.map((uuid) => disks.get(uuid)).filter((disk) => disk !== undefined),
    instancesOn: (node) => instances.list().filter((instance) => instance.primary_node === node),
    secondariesOn: (node) =>
      instances.list().filter((instance) => secondaryOf(viewOf(parts), instance) === node),
    mirrorsOn: (node) => [...disks.values()].filter((disk) => mirrorNodes(disk)?.includes(node)),
    nodesOf: (group) => nodes.list().filter((node) => node.group === group),
    networks,
    addressesIn: (network) =>
      new Map(
        instances
          .list()
          .flatMap((instance) =>
            instance.nics
              .filter((nic) => nic.network === network && nic.ip !== null)
              .map((nic) => [nic.ip ?? '', instance.uuid] as const),
          ),
      ),
    instancesIn: (network) =>
      instances.list().filter((instance) => instance.nics.some((nic) => nic.network === network)),
    portUsers: (port) => [
      ...instances.list().flatMap((each) => (each.network_port === port ? [each.uuid] : [])),
      ...[...disks.values()].flatMap((disk) => (mirrorPort(disk) === port ? [disk.uuid] : [])),
    ],
    macOwner: (mac) => instances.list().find(({ nics }) => nics.some((nic) => nic.mac === mac))?.uuid,
  };
}
