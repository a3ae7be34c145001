import { type PoolUse, poolUse } from '../model/ip-pool.ts';
import type { Network } from '../model/network.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import type { networkFields } from '../query/fields/network.ts';
import { type FieldReader, type FieldReaders, normal, type ReadContext } from './define.ts';

/** A network with the context in which it is read. */
export class NetworkRow {
  readonly network: Network;
  readonly ctx: ReadContext;
  #use: PoolUse | null = null;

  constructor(network: Network, ctx: ReadContext) {
    this.network = network;
    this.ctx = ctx;
  }

  /** Which addresses of its pool are in use. */
  get use(): PoolUse {
    this.#use ??= poolUse(this.network, this.ctx.view.addressesIn(this.network.uuid).keys());
    return this.#use;
  }

  /** The node groups that are connected to it. */
  get groups(): NodeGroup[] {
    return this.ctx.view.groups.list().filter((group) => Object.hasOwn(group.networks, this.network.uuid));
  }

  /** The names of the instances with NICs in it. */
  get instanceNames(): string[] {
    return this.ctx.view.instancesIn(this.network.uuid).map(({ name }) => name);
  }
}

/** The connection of a group to a network, as Ganeti shows it: [group, mode, link, VLAN]. */
function connection(group: NodeGroup, network: Network): unknown[] {
  const link = group.networks[network.uuid];
  return [group.name, link?.mode, link?.link, link?.vlan];
}

const values: Record<keyof typeof networkFields, FieldReader<NetworkRow>> = {
  ctime: ({ network }) => normal(network.ctime),
  external_reservations: ({ network }) => normal(network.reservations.join(', ')),
  free_count: ({ use }) => normal(use.free),
  gateway: ({ network }) => normal(network.gateway),
  gateway6: ({ network }) => normal(network.gateway6),
  group_cnt: ({ groups }) => normal(groups.length),
  group_list: ({ groups, network }) => normal(groups.map((group) => connection(group, network))),
  inst_cnt: ({ instanceNames }) => normal(instanceNames.length),
  inst_list: ({ instanceNames }) => normal(instanceNames),
  mac_prefix: ({ network }) => normal(network.mac_prefix),
  map: ({ use }) => normal(use.map),
  mtime: ({ network }) => normal(network.mtime),
  name: ({ network }) => normal(network.name),
  network: ({ network }) => normal(network.network),
  network6: ({ network }) => normal(network.network6),
  reserved_count: ({ use }) => normal(use.reserved),
  serial_no: ({ network }) => normal(network.serial_no),
  tags: ({ network }) => normal(network.tags),
  uuid: ({ network }) => normal(network.uuid),
};

/** The readers of all fields of a network. */
export const networkValues: FieldReaders<NetworkRow> = new Map(Object.entries(values));
