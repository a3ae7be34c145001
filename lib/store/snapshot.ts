// The state of the cluster in memory: all objects, and the indexes that answer the questions of ClusterView. It is built on persistent
// maps, so a change shares nearly everything with the state before, and its cost does not depend on the size of the cluster.
//
// Invariant: every index is derived from the objects, in apply() and removeFrom(). A new index must be updated in both, and for a
// changed object the old entries must be removed first.
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

interface State {
  version: number;
  cluster: Cluster | null;
  nodes: Table<Node>;
  groups: Table<NodeGroup>;
  instances: Table<Instance>;
  networks: Table<Network>;
  filters: readonly JobFilter[];
  duties: ImmutableMap<string, Duty>;
  disks: ImmutableMap<string, Disk>;
  /** Instances by their primary node. */
  byNode: Index;
  /** Mirrored disks by the nodes that have a side of them. */
  mirrors: Index;
  /** Nodes by their group. */
  byGroup: Index;
  /** Instances by the MAC addresses of their NICs. */
  macs: ImmutableMap<string, string>;
  /** Instances and mirrored disks by their ports. */
  ports: Index;
  /** Instances by the networks of their NICs. */
  byNetwork: Index;
  addresses: Addresses;
}

const empty: State = {
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

/** Caches the sorted list of duties: it stays the same object as long as no duty changes, which callers rely on. */
const dutyLists = new WeakMap<ImmutableMap<string, Duty>, readonly Duty[]>();

function sortedDuties(duties: ImmutableMap<string, Duty>): readonly Duty[] {
  let list = dutyLists.get(duties);
  if (!list) {
    list = [...duties.values()].sort(compareDuties);
    dutyLists.set(duties, list);
  }
  return list;
}

/** One immutable state of the cluster. */
export class Snapshot implements ClusterView {
  readonly #state: State;

  private constructor(state: State) {
    this.#state = state;
  }

  /** The state with these objects, for the start. */
  static of(objects: Iterable<{ kind: ObjectKind; object: Objects[ObjectKind] }>): Snapshot {
    const state = { ...empty };
    for (const { kind, object } of objects) apply(state, { change: 'put', kind, object } as ObjectChange);
    state.instances.list(); // sorts thousands of names now, before any request waits for it
    return new Snapshot(state);
  }

  get version(): number {
    return this.#state.version;
  }

  get initialised(): boolean {
    return this.#state.cluster !== null;
  }

  get cluster(): Cluster {
    if (!this.#state.cluster) throw new MerapiError('unavailable', 'The cluster is not initialised yet');
    return this.#state.cluster;
  }

  get nodes(): Table<Node> {
    return this.#state.nodes;
  }

  get groups(): Table<NodeGroup> {
    return this.#state.groups;
  }

  get instances(): Table<Instance> {
    return this.#state.instances;
  }

  disk(uuid: string): Disk | undefined {
    return this.#state.disks.get(uuid);
  }

  freeDisks(): readonly Disk[] {
    return [...this.#state.disks.values()].filter((disk) => disk.instance === null);
  }

  disksOf(instance: Instance): readonly Disk[] {
    return instance.disks.map((uuid) => this.#state.disks.get(uuid)).filter((disk) => disk !== undefined);
  }

  instancesOn(node: string): readonly Instance[] {
    return members(this.#state.byNode, node, this.#state.instances);
  }

  secondariesOn(node: string): readonly Instance[] {
    const found = new Map<string, Instance>();
    for (const disk of this.mirrorsOn(node)) {
      const instance = this.#state.instances.get(disk.instance ?? '');
      if (instance && instance.primary_node !== node && instance.disks.includes(disk.uuid))
        found.set(instance.uuid, instance);
    }
    return [...found.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  mirrorsOn(node: string): readonly Disk[] {
    const uuids = this.#state.mirrors.get(node);
    if (!uuids) return [];
    return [...uuids].map((uuid) => this.#state.disks.get(uuid)).filter((disk) => disk !== undefined);
  }

  nodesOf(group: string): readonly Node[] {
    return members(this.#state.byGroup, group, this.#state.nodes);
  }

  get networks(): Table<Network> {
    return this.#state.networks;
  }

  get filters(): readonly JobFilter[] {
    return this.#state.filters;
  }

  get duties(): readonly Duty[] {
    return sortedDuties(this.#state.duties);
  }

  duty(uuid: string): Duty | undefined {
    return this.#state.duties.get(uuid);
  }

  addressesIn(network: string): AddressTable {
    return this.#state.addresses.get(network) ?? NO_ADDRESSES;
  }

  instancesIn(network: string): readonly Instance[] {
    return members(this.#state.byNetwork, network, this.#state.instances);
  }

  macOwner(mac: string): string | undefined {
    return this.#state.macs.get(mac);
  }

  portUsers(port: number): Iterable<string> {
    return this.#state.ports.get(String(port)) ?? [];
  }

  /** The state after some changes. */
  after(changes: readonly ObjectChange[]): Snapshot {
    if (changes.length === 0) return this;
    const state = { ...this.#state, version: this.#state.version + 1 };
    for (const change of changes) apply(state, change);
    return new Snapshot(state);
  }

  /** The object that a change replaces or removes. */
  before(change: ObjectChange): Objects[ObjectKind] | undefined {
    const uuid = change.change === 'put' ? change.object.uuid : change.uuid;
    switch (change.kind) {
      case 'cluster':
        return this.#state.cluster ?? undefined;
      case 'node':
        return this.#state.nodes.get(uuid);
      case 'nodegroup':
        return this.#state.groups.get(uuid);
      case 'instance':
        return this.#state.instances.get(uuid);
      case 'disk':
        return this.#state.disks.get(uuid);
      case 'network':
        return this.#state.networks.get(uuid);
      case 'filter':
        return this.#state.filters.find((filter) => filter.uuid === uuid);
      case 'duty':
        return this.#state.duties.get(uuid);
    }
  }
}

/** Puts or removes an object, and updates all indexes. It replaces fields of `state`, which the caller has copied. */
function apply(state: State, change: ObjectChange): void {
  if (change.change === 'remove') {
    removeFrom(state, change.kind, change.uuid);
    return;
  }
  switch (change.kind) {
    case 'cluster':
      state.cluster = change.object;
      break;
    case 'nodegroup':
      state.groups = state.groups.with(change.object);
      break;
    case 'network':
      state.networks = state.networks.with(change.object);
      break;
    case 'filter':
      state.filters = [...without(state.filters, change.object.uuid), change.object].sort(compareFilters);
      break;
    case 'duty':
      state.duties = state.duties.set(change.object.uuid, change.object);
      break;
    case 'disk':
      forgetMirror(state, change.object.uuid);
      for (const node of mirrorNodes(change.object) ?? [])
        state.mirrors = enter(state.mirrors, node, change.object.uuid);
      state.ports = entered(state.ports, mirrorPort(change.object), change.object.uuid);
      state.disks = state.disks.set(change.object.uuid, change.object);
      break;
    case 'node': {
      const before = state.nodes.get(change.object.uuid);
      if (before && before.group !== change.object.group)
        state.byGroup = leave(state.byGroup, before.group, before.uuid);
      state.byGroup = enter(state.byGroup, change.object.group, change.object.uuid);
      state.nodes = state.nodes.with(change.object);
      break;
    }
    case 'instance': {
      const before = state.instances.get(change.object.uuid);
      if (before) forgetInstance(state, before);
      state.byNode = enter(state.byNode, change.object.primary_node, change.object.uuid);
      state.ports = entered(state.ports, change.object.network_port, change.object.uuid);
      for (const { mac, network } of change.object.nics) {
        state.macs = state.macs.set(mac, change.object.uuid);
        if (network !== null) state.byNetwork = enter(state.byNetwork, network, change.object.uuid);
      }
      state.addresses = enterAddresses(state.addresses, change.object);
      state.instances = state.instances.with(change.object);
      break;
    }
  }
}

/** Adds a user of a port; null means no port. */
function entered(ports: Index, port: number | null, uuid: string): Index {
  return port === null ? ports : enter(ports, String(port), uuid);
}

function without(filters: readonly JobFilter[], uuid: string): JobFilter[] {
  return filters.filter((filter) => filter.uuid !== uuid);
}

/** Removes the index entries of an instance, before it is replaced or removed. */
function forgetInstance(state: State, instance: Instance): void {
  state.byNode = leave(state.byNode, instance.primary_node, instance.uuid);
  state.ports = leave(state.ports, String(instance.network_port), instance.uuid);
  // Another instance may have taken an address in the same commit: only own entries are removed.
  for (const { mac, network } of instance.nics) {
    if (state.macs.get(mac) === instance.uuid) state.macs = state.macs.remove(mac);
    if (network !== null) state.byNetwork = leave(state.byNetwork, network, instance.uuid);
  }
  state.addresses = leaveAddresses(state.addresses, instance);
}

/** Removes the index entries of a disk, before it is replaced or removed. */
function forgetMirror(state: State, uuid: string): void {
  const before = state.disks.get(uuid);
  if (!before) return;
  for (const node of mirrorNodes(before) ?? []) state.mirrors = leave(state.mirrors, node, uuid);
  state.ports = leave(state.ports, String(mirrorPort(before)), uuid);
}

function removeFrom(state: State, kind: ObjectKind, uuid: string): void {
  switch (kind) {
    case 'cluster':
      state.cluster = null;
      break;
    case 'nodegroup':
      state.groups = state.groups.without(uuid);
      break;
    case 'network':
      state.networks = state.networks.without(uuid);
      break;
    case 'filter':
      state.filters = without(state.filters, uuid);
      break;
    case 'duty':
      state.duties = state.duties.remove(uuid);
      break;
    case 'disk':
      forgetMirror(state, uuid);
      state.disks = state.disks.remove(uuid);
      break;
    case 'node': {
      const before = state.nodes.get(uuid);
      if (before) state.byGroup = leave(state.byGroup, before.group, uuid);
      state.nodes = state.nodes.without(uuid);
      break;
    }
    case 'instance': {
      const before = state.instances.get(uuid);
      if (before) forgetInstance(state, before);
      state.instances = state.instances.without(uuid);
      break;
    }
  }
}
