import type { ObjectRef } from '../model/access.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Disk } from '../model/disk.ts';
import type { Duty } from '../model/duty.ts';
import type { JobFilter } from '../model/filter.ts';
import type { Instance } from '../model/instance.ts';
import type { Network } from '../model/network.ts';
import type { Node } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { AddressTable, ClusterView, ObjectTable } from '../model/view.ts';

type Sees = (object: ObjectRef) => boolean;

/** A table reduced to the objects that a principal may see. */
class SeenTable<T extends { readonly uuid: string }> implements ObjectTable<T> {
  readonly #table: ObjectTable<T>;
  readonly #isSeen: (object: T) => boolean;
  #list: readonly T[] | null = null;

  constructor(table: ObjectTable<T>, isSeen: (object: T) => boolean) {
    this.#table = table;
    this.#isSeen = isSeen;
  }

  get size(): number {
    return this.list().length;
  }

  get(uuid: string): T | undefined {
    return this.#onlySeen(this.#table.get(uuid));
  }

  named(name: string): T | undefined {
    return this.#onlySeen(this.#table.named(name));
  }

  list(): readonly T[] {
    this.#list ??= this.#table.list().filter(this.#isSeen);
    return this.#list;
  }

  #onlySeen(object: T | undefined): T | undefined {
    return object && this.#isSeen(object) ? object : undefined;
  }
}

/**
 * A state of the cluster reduced to the objects that a principal may see: the other objects are in no list, no lookup finds them, and
 * they are not counted. So code that reads a view need not know about rights. Data that is not an object of its own is not
 * restricted: which addresses of a network, MAC addresses and ports are in use.
 */
export class SeenView implements ClusterView {
  readonly nodes: ObjectTable<Node>;
  readonly groups: ObjectTable<NodeGroup>;
  readonly instances: ObjectTable<Instance>;
  readonly networks: ObjectTable<Network>;
  readonly #whole: ClusterView;
  readonly #sees: Sees;

  constructor(whole: ClusterView, sees: Sees) {
    const isSeen =
      (kind: 'node' | 'group' | 'instance' | 'network') =>
      ({ uuid }: { readonly uuid: string }) =>
        sees({ kind, id: uuid });
    this.nodes = new SeenTable(whole.nodes, isSeen('node'));
    this.groups = new SeenTable(whole.groups, isSeen('group'));
    this.instances = new SeenTable(whole.instances, isSeen('instance'));
    this.networks = new SeenTable(whole.networks, isSeen('network'));
    this.#whole = whole;
    this.#sees = sees;
  }

  get version(): number {
    return this.#whole.version;
  }

  get initialised(): boolean {
    return this.#whole.initialised;
  }

  get cluster(): Cluster {
    return this.#whole.cluster;
  }

  get filters(): readonly JobFilter[] {
    return this.#whole.filters.filter(({ uuid }) => this.#sees({ kind: 'filter', id: uuid }));
  }

  get duties(): readonly Duty[] {
    return this.#whole.duties.filter(({ uuid }) => this.#sees({ kind: 'duty', id: uuid }));
  }

  duty(uuid: string): Duty | undefined {
    return this.#sees({ kind: 'duty', id: uuid }) ? this.#whole.duty(uuid) : undefined;
  }

  disk(uuid: string): Disk | undefined {
    return this.#isSeenDisk({ uuid }) ? this.#whole.disk(uuid) : undefined;
  }

  freeDisks(): readonly Disk[] {
    return this.#whole.freeDisks().filter((disk) => this.#isSeenDisk(disk));
  }

  /** Unrestricted: the caller has got the instance from this view, and its disks belong to it. */
  disksOf(instance: Instance): readonly Disk[] {
    return this.#whole.disksOf(instance);
  }

  instancesOn(node: string): readonly Instance[] {
    return this.#seen(this.#whole.instancesOn(node));
  }

  secondariesOn(node: string): readonly Instance[] {
    return this.#seen(this.#whole.secondariesOn(node));
  }

  mirrorsOn(node: string): readonly Disk[] {
    return this.#whole.mirrorsOn(node).filter((disk) => this.#isSeenDisk(disk));
  }

  nodesOf(group: string): readonly Node[] {
    return this.#whole.nodesOf(group).filter(({ uuid }) => this.#sees({ kind: 'node', id: uuid }));
  }

  addressesIn(network: string): AddressTable {
    return this.#whole.addressesIn(network);
  }

  instancesIn(network: string): readonly Instance[] {
    return this.#seen(this.#whole.instancesIn(network));
  }

  macOwner(mac: string): string | undefined {
    return this.#whole.macOwner(mac);
  }

  portUsers(port: number): Iterable<string> {
    return this.#whole.portUsers(port);
  }

  #isSeenDisk({ uuid }: { readonly uuid: string }): boolean {
    return this.#sees({ kind: 'disk', id: uuid });
  }

  #seen(instances: readonly Instance[]): readonly Instance[] {
    return instances.filter(({ uuid }) => this.#sees({ kind: 'instance', id: uuid }));
  }
}
