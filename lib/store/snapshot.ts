import { Map as ImmutableMap } from 'immutable';
import { MerapiError } from '../base/errors.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Disk } from '../model/disk.ts';
import { compareDuties, type Duty } from '../model/duty.ts';
import { compareFilters, type JobFilter } from '../model/filter.ts';
import type { Instance } from '../model/instance.ts';
import { mirrorNodes, mirrorPort } from '../model/mirror.ts';
import { compareNames } from '../model/names.ts';
import type { Network } from '../model/network.ts';
import type { Node } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { AddressTable, ClusterView } from '../model/view.ts';
import { type Addresses, enterAddresses, leaveAddresses } from './addresses.ts';
import type { ObjectChange, ObjectKind, Objects } from './changes.ts';
import { enter, type Index, leave, members } from './sets.ts';
import { Table } from './table.ts';

interface Parts {
  version: number;
  cluster: Cluster | null;
  nodes: Table<Node>;
  groups: Table<NodeGroup>;
  instances: Table<Instance>;
  networks: Table<Network>;
  filters: readonly JobFilter[];
  duties: ImmutableMap<string, Duty>;
  disks: ImmutableMap<string, Disk>;
  byNode: Index;
  /** Mirrored disks by the nodes that hold a side of them. */
  mirrors: Index;
  byGroup: Index;
  macs: ImmutableMap<string, string>;
  /** Instances and mirrored disks by their ports. */
  ports: Index;
  byNetwork: Index;
  addresses: Addresses;
}

const empty: Parts = {
  version: 0,
  cluster: null,
  nodes: new Table(),
  groups: new Table(),
  instances: new Table(),
  networks: new Table(),
  filters: [],
  duties: ImmutableMap(),
  disks: ImmutableMap(),
  byNode: ImmutableMap(),
  mirrors: ImmutableMap(),
  byGroup: ImmutableMap(),
  macs: ImmutableMap(),
  ports: ImmutableMap(),
  byNetwork: ImmutableMap(),
  addresses: ImmutableMap(),
};

const NO_ADDRESSES: AddressTable = ImmutableMap();

/** The lists of duties that were asked for: the same one as long as no duty changes. */
const dutyLists = new WeakMap<ImmutableMap<string, Duty>, readonly Duty[]>();

function sortedDuties(duties: ImmutableMap<string, Duty>): readonly Duty[] {
  let list = dutyLists.get(duties);
  if (!list) {
    list = [...duties.values()].sort(compareDuties);
    dutyLists.set(duties, list);
  }
  return list;
}

/** One immutable state of the cluster; a change gives a new one at a cost that does not depend on its size. */
export class Snapshot implements ClusterView {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The state that consists of these objects. */
  static of(objects: Iterable<{ kind: ObjectKind; object: Objects[ObjectKind] }>): Snapshot {
    const parts = { ...empty };
    for (const { kind, object } of objects) apply(parts, { change: 'put', kind, object } as ObjectChange);
    parts.instances.list(); // thousands of names are sorted here, where nobody waits for an answer yet
    return new Snapshot(parts);
  }

  get version(): number {
    return this.#parts.version;
  }

  get initialised(): boolean {
    return this.#parts.cluster !== null;
  }

  get cluster(): Cluster {
    if (!this.#parts.cluster) throw new MerapiError('unavailable', 'The cluster is not initialised yet');
    return this.#parts.cluster;
  }

  get nodes(): Table<Node> {
    return this.#parts.nodes;
  }

  get groups(): Table<NodeGroup> {
    return this.#parts.groups;
  }

  get instances(): Table<Instance> {
    return this.#parts.instances;
  }

  disk(uuid: string): Disk | undefined {
    return this.#parts.disks.get(uuid);
  }

  freeDisks(): readonly Disk[] {
    return [...this.#parts.disks.values()].filter((disk) => disk.instance === null);
  }

  disksOf(instance: Instance): readonly Disk[] {
    return instance.disks.map((uuid) => this.#parts.disks.get(uuid)).filter((disk) => disk !== undefined);
  }

  instancesOn(node: string): readonly Instance[] {
    return members(this.#parts.byNode, node, this.#parts.instances);
  }

  secondariesOn(node: string): readonly Instance[] {
    const found = new Map<string, Instance>();
    for (const disk of this.mirrorsOn(node)) {
      const instance = this.#parts.instances.get(disk.instance ?? '');
      if (instance && instance.primary_node !== node && instance.disks.includes(disk.uuid))
        found.set(instance.uuid, instance);
    }
    return [...found.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  mirrorsOn(node: string): readonly Disk[] {
    const uuids = this.#parts.mirrors.get(node);
    if (!uuids) return [];
    return [...uuids].map((uuid) => this.#parts.disks.get(uuid)).filter((disk) => disk !== undefined);
  }

  nodesOf(group: string): readonly Node[] {
    return members(this.#parts.byGroup, group, this.#parts.nodes);
  }

  get networks(): Table<Network> {
    return this.#parts.networks;
  }

  get filters(): readonly JobFilter[] {
    return this.#parts.filters;
  }

  get duties(): readonly Duty[] {
    return sortedDuties(this.#parts.duties);
  }

  duty(uuid: string): Duty | undefined {
    return this.#parts.duties.get(uuid);
  }

  addressesIn(network: string): AddressTable {
    return this.#parts.addresses.get(network) ?? NO_ADDRESSES;
  }

  instancesIn(network: string): readonly Instance[] {
    return members(this.#parts.byNetwork, network, this.#parts.instances);
  }

  macOwner(mac: string): string | undefined {
    return this.#parts.macs.get(mac);
  }

  portUsers(port: number): Iterable<string> {
    return this.#parts.ports.get(String(port)) ?? [];
  }

  /** The state after some changes. */
  after(changes: readonly ObjectChange[]): Snapshot {
    if (changes.length === 0) return this;
    const parts = { ...this.#parts, version: this.#parts.version + 1 };
    for (const change of changes) apply(parts, change);
    return new Snapshot(parts);
  }

  /** The object that a change replaces or removes. */
  before(change: ObjectChange): Objects[ObjectKind] | undefined {
    const uuid = change.change === 'put' ? change.object.uuid : change.uuid;
    switch (change.kind) {
      case 'cluster':
        return this.#parts.cluster ?? undefined;
      case 'node':
        return this.#parts.nodes.get(uuid);
      case 'nodegroup':
        return this.#parts.groups.get(uuid);
      case 'instance':
        return this.#parts.instances.get(uuid);
      case 'disk':
        return this.#parts.disks.get(uuid);
      case 'network':
        return this.#parts.networks.get(uuid);
      case 'filter':
        return this.#parts.filters.find((filter) => filter.uuid === uuid);
      case 'duty':
        return this.#parts.duties.get(uuid);
    }
  }
}

function apply(parts: Parts, change: ObjectChange): void {
  if (change.change === 'remove') {
    removeFrom(parts, change.kind, change.uuid);
    return;
  }
  switch (change.kind) {
    case 'cluster':
      parts.cluster = change.object;
      break;
    case 'nodegroup':
      parts.groups = parts.groups.with(change.object);
      break;
    case 'network':
      parts.networks = parts.networks.with(change.object);
      break;
    case 'filter':
      parts.filters = [...without(parts.filters, change.object.uuid), change.object].sort(compareFilters);
      break;
    case 'duty':
      parts.duties = parts.duties.set(change.object.uuid, change.object);
      break;
    case 'disk':
      forgetMirror(parts, change.object.uuid);
      for (const node of mirrorNodes(change.object) ?? [])
        parts.mirrors = enter(parts.mirrors, node, change.object.uuid);
      parts.ports = entered(parts.ports, mirrorPort(change.object), change.object.uuid);
      parts.disks = parts.disks.set(change.object.uuid, change.object);
      break;
    case 'node': {
      const before = parts.nodes.get(change.object.uuid);
      if (before && before.group !== change.object.group)
        parts.byGroup = leave(parts.byGroup, before.group, before.uuid);
      parts.byGroup = enter(parts.byGroup, change.object.group, change.object.uuid);
      parts.nodes = parts.nodes.with(change.object);
      break;
    }
    case 'instance': {
      const before = parts.instances.get(change.object.uuid);
      if (before) forgetInstance(parts, before);
      parts.byNode = enter(parts.byNode, change.object.primary_node, change.object.uuid);
      parts.ports = entered(parts.ports, change.object.network_port, change.object.uuid);
      for (const { mac, network } of change.object.nics) {
        parts.macs = parts.macs.set(mac, change.object.uuid);
        if (network !== null) parts.byNetwork = enter(parts.byNetwork, network, change.object.uuid);
      }
      parts.addresses = enterAddresses(parts.addresses, change.object);
      parts.instances = parts.instances.with(change.object);
      break;
    }
  }
}

/** The index of ports with a user more; null is no port. */
function entered(ports: Index, port: number | null, uuid: string): Index {
  return port === null ? ports : enter(ports, String(port), uuid);
}

function without(filters: readonly JobFilter[], uuid: string): JobFilter[] {
  return filters.filter((filter) => filter.uuid !== uuid);
}

function forgetInstance(parts: Parts, instance: Instance): void {
  parts.byNode = leave(parts.byNode, instance.primary_node, instance.uuid);
  parts.ports = leave(parts.ports, String(instance.network_port), instance.uuid);
  // Within the changes of one commit another instance may have taken an address already.
  for (const { mac, network } of instance.nics) {
    if (parts.macs.get(mac) === instance.uuid) parts.macs = parts.macs.remove(mac);
    if (network !== null) parts.byNetwork = leave(parts.byNetwork, network, instance.uuid);
  }
  parts.addresses = leaveAddresses(parts.addresses, instance);
}

function forgetMirror(parts: Parts, uuid: string): void {
  const before = parts.disks.get(uuid);
  if (!before) return;
  for (const node of mirrorNodes(before) ?? []) parts.mirrors = leave(parts.mirrors, node, uuid);
  parts.ports = leave(parts.ports, String(mirrorPort(before)), uuid);
}

function removeFrom(parts: Parts, kind: ObjectKind, uuid: string): void {
  switch (kind) {
    case 'cluster':
      parts.cluster = null;
      break;
    case 'nodegroup':
      parts.groups = parts.groups.without(uuid);
      break;
    case 'network':
      parts.networks = parts.networks.without(uuid);
      break;
    case 'filter':
      parts.filters = without(parts.filters, uuid);
      break;
    case 'duty':
      parts.duties = parts.duties.remove(uuid);
      break;
    case 'disk':
      forgetMirror(parts, uuid);
      parts.disks = parts.disks.remove(uuid);
      break;
    case 'node': {
      const before = parts.nodes.get(uuid);
      if (before) parts.byGroup = leave(parts.byGroup, before.group, uuid);
      parts.nodes = parts.nodes.without(uuid);
      break;
    }
    case 'instance': {
      const before = parts.instances.get(uuid);
      if (before) forgetInstance(parts, before);
      parts.instances = parts.instances.without(uuid);
      break;
    }
  }
}
