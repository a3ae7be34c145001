// The read interface to one state of the cluster, which lib/store implements. Everything above the store reads the cluster only by it.
// Lookups by node, group, network, address and port must be answered from indexes, never by a walk through all objects: listings and
// the allocator use them for each object.
import type { Cluster } from './cluster.ts';
import type { Disk } from './disk.ts';
import type { Duty } from './duty.ts';
import type { JobFilter } from './filter.ts';
import type { Instance } from './instance.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { NodeGroup } from './nodegroup.ts';

/** The objects of one kind, read-only. */
export interface ObjectTable<T> {
  readonly size: number;
  get(uuid: string): T | undefined;
  /** The object with exactly this name. */
  named(name: string): T | undefined;
  /** All objects, in the order of compareNames. */
  list(): readonly T[];
}

/** Addresses with the instances (uuids) that have them. */
export interface AddressTable {
  readonly size: number;
  get(ip: string): string | undefined;
  has(ip: string): boolean;
  keys(): Iterable<string>;
}

/** One immutable state of the cluster, as everything above the store sees it. */
export interface ClusterView {
  /** Increments with every change of any object. */
  readonly version: number;
  /** Whether there is a cluster at all (`merapi init` has run). */
  readonly initialised: boolean;
  /** @throws MerapiError unavailable when the cluster is not initialised. */
  readonly cluster: Cluster;
  readonly nodes: ObjectTable<Node>;
  readonly groups: ObjectTable<NodeGroup>;
  readonly instances: ObjectTable<Instance>;
  readonly networks: ObjectTable<Network>;
  /** The job filters in the order in which they are applied. */
  readonly filters: readonly JobFilter[];
  /** The duties in the order in which they were made. */
  readonly duties: readonly Duty[];
  duty(uuid: string): Duty | undefined;
  disk(uuid: string): Disk | undefined;
  /** The detached disks. */
  freeDisks(): readonly Disk[];
  /** The disks of an instance in their order. */
  disksOf(instance: Instance): readonly Disk[];
  /** Instances with this primary node (uuid), in the order of their names. */
  instancesOn(node: string): readonly Instance[];
  /** Instances with this secondary node (uuid), in the order of their names. */
  secondariesOn(node: string): readonly Instance[];
  /** The mirrored disks that have a side on this node (uuid), in no particular order. */
  mirrorsOn(node: string): readonly Disk[];
  /** Nodes of a group (uuid), in the order of their names. */
  nodesOf(group: string): readonly Node[];
  /** The IP addresses that NICs have in a network (uuid), each with the uuid of its instance. */
  addressesIn(network: string): AddressTable;
  /** Instances with a NIC in a network (uuid), in the order of their names. */
  instancesIn(network: string): readonly Instance[];
  /** The uuid of the instance that has a NIC with this MAC address. */
  macOwner(mac: string): string | undefined;
  /** The uuids of the instances and mirrored disks that have this port of the cluster. */
  portUsers(port: number): Iterable<string>;
}
