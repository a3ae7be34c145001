// The fields of instances. Fields marked as live in lib/query/fields/instance.ts read the facts of nodes; all others must depend on the
// cluster's objects alone, since listings cache them (listing.ts, test/contract/live-fields.test.ts).
import type { Disk } from '../model/disk.ts';
import { fillOsParams } from '../model/fill.ts';
import type { Instance } from '../model/instance.ts';
import { secondaryOf } from '../model/mirror.ts';
import type { Node } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import { templates } from '../model/templates/index.ts';
import type { ClusterView } from '../model/view.ts';
import type { Cell } from '../query/define.ts';
import {
  beParamFields,
  DISK_FIELDS,
  diskFamilies,
  hvParamFields,
  type instanceFields,
  NIC_FIELDS,
  nicFamilies,
} from '../query/fields/instance.ts';
import { consoleOf } from '../rpc/console.ts';
import type { AgentFacts, GuestFacts } from '../rpc/types.ts';
import {
  type FieldReader,
  type FieldReaders,
  maybe,
  NODATA,
  normal,
  OFFLINE,
  type ReadContext,
  UNAVAIL,
} from './define.ts';
import { type ShownNic, shownBeParams, shownHvParams, shownNics } from './filled.ts';
import { instanceStatus, type Live, liveOf, type StrayFinder } from './live.ts';

/** An instance with the context in which it is read. What several fields need is computed once, when the first of them is read. */
export class InstanceRow {
  readonly instance: Instance;
  readonly ctx: ReadContext;
  readonly #strays: StrayFinder;
  #live: Live | null = null;
  #disks: readonly Disk[] | null = null;
  #nics: readonly ShownNic[] | null = null;

  constructor(instance: Instance, ctx: ReadContext, strays: StrayFinder) {
    this.instance = instance;
    this.ctx = ctx;
    this.#strays = strays;
  }

  get live(): Live {
    this.#live ??= liveOf(this.instance, this.ctx, this.#strays);
    return this.#live;
  }

  get disks(): readonly Disk[] {
    this.#disks ??= this.ctx.view.disksOf(this.instance);
    return this.#disks;
  }

  get nics(): readonly ShownNic[] {
    this.#nics ??= shownNics(this.ctx.view.cluster, this.instance);
    return this.#nics;
  }

  /** Its primary node; undefined when the principal may not see it. */
  get node(): Node | undefined {
    return this.ctx.view.nodes.get(this.instance.primary_node);
  }

  /** Its secondary node as a list, which is empty when it has none or the principal may not see it. */
  get secondaries(): readonly Node[] {
    const node = this.ctx.view.nodes.get(secondaryOf(this.ctx.view, this.instance) ?? '');
    return node ? [node] : [];
  }

  /** The group of its primary node. */
  get group(): NodeGroup | undefined {
    return this.node && this.ctx.view.groups.get(this.node.group);
  }

  /** The cell of a property of the running guest, or why there is none. */
  guest(pick: (guest: GuestFacts) => unknown): Cell {
    switch (this.live.kind) {
      case 'running':
        return maybe(pick(this.live.guest));
      case 'stopped':
        return UNAVAIL;
      case 'unreachable':
        return NODATA;
      case 'offline':
        return OFFLINE;
    }
  }
}

/** The fields `nic.*` of one NIC. */
const nicValues: Record<keyof typeof nicFamilies, (shown: ShownNic, view: ClusterView) => string | null> = {
  'nic.bridge': ({ params }) => (params.mode === 'bridged' ? params.link : null),
  'nic.ip': ({ nic }) => nic.ip,
  'nic.link': ({ params }) => params.link,
  'nic.mac': ({ nic }) => nic.mac,
  'nic.mode': ({ params }) => params.mode,
  'nic.name': ({ nic }) => nic.name,
  'nic.network': ({ nic }) => nic.network,
  'nic.network.name': ({ nic }, view) =>
    nic.network === null ? null : (view.networks.get(nic.network)?.name ?? null),
  'nic.uuid': ({ nic }) => nic.uuid,
  'nic.vlan': ({ params }) => params.vlan,
};

/** The fields `disk.*` of one disk. */
const diskValues: Record<keyof typeof diskFamilies, (disk: Disk) => string | number | null> = {
  'disk.name': (disk) => disk.name,
  'disk.size': (disk) => disk.size,
  'disk.spindles': (disk) => disk.spindles,
  'disk.uuid': (disk) => disk.uuid,
};

/** A reader of a field of one NIC; UNAVAIL when the instance has fewer NICs. */
function nicValue(name: keyof typeof nicFamilies, index: number): FieldReader<InstanceRow> {
  const pick = nicValues[name];
  return ({ nics, ctx }) => {
    const nic = nics[index];
    return nic ? maybe(pick(nic, ctx.view)) : UNAVAIL;
  };
}

/** A reader of a field of one disk; UNAVAIL when the instance has fewer disks. */
function diskValue(name: keyof typeof diskFamilies, index: number): FieldReader<InstanceRow> {
  const pick = diskValues[name];
  return ({ disks }) => {
    const disk = disks[index];
    return disk ? maybe(pick(disk)) : UNAVAIL;
  };
}

/** A reader of the list of a field's values for all NICs. */
function everyNic(name: keyof typeof nicFamilies): FieldReader<InstanceRow> {
  const pick = nicValues[name];
  return ({ nics, ctx }) => normal(nics.map((nic) => pick(nic, ctx.view)));
}

/** A reader of the list of a field's values for all disks. */
function everyDisk(name: keyof typeof diskFamilies): FieldReader<InstanceRow> {
  const pick = diskValues[name];
  return ({ disks }) => normal(disks.map(pick));
}

/** Whether it runs; unknown while its node is offline or unreachable. */
function operState({ live }: InstanceRow): Cell {
  if (live.kind === 'offline') return OFFLINE;
  return live.kind === 'unreachable' ? NODATA : normal(live.kind === 'running');
}

function agentState({ open, frozen }: AgentFacts): string {
  if (!open) return 'closed';
  return frozen ? 'frozen' : 'open';
}

/** How to connect to its console; UNAVAIL when it does not run. */
function consoleCell(row: InstanceRow): Cell {
  const { instance } = row;
  // A simulated guest never has a console, so the facts of its node do not matter.
  if (instance.hypervisor === 'fake') return normal(consoleOf(instance, undefined, undefined));
  // A console is useless without its host, so the node is named even to principals who may not see it.
  const host = row.ctx.whole.nodes.get(instance.primary_node)?.name;
  return row.guest((guest) => consoleOf(instance, host, guest));
}

/** The sum of the sizes of the disks and of the metadata that their templates need, in MiB. */
function diskUsage({ disks }: InstanceRow): Cell {
  return normal(disks.reduce((sum, { size, dev_type }) => sum + size + templates[dev_type].metadata, 0));
}

/** A reader of a backend parameter, with the defaults filled in. */
const beValue =
  (name: string): FieldReader<InstanceRow> =>
  ({ ctx, instance }) =>
    maybe((shownBeParams(ctx.view.cluster, instance) as Record<string, unknown>)[name]);

/** A reader of a hypervisor parameter; UNAVAIL when the instance's hypervisor does not have it. */
const hvValue =
  (name: string): FieldReader<InstanceRow> =>
  ({ ctx, instance }) => {
    const values = shownHvParams(ctx.view.cluster, instance);
    return Object.hasOwn(values, name) ? normal(values[name]) : UNAVAIL;
  };

const values: Record<keyof typeof instanceFields, FieldReader<InstanceRow>> = {
  admin_state: ({ instance }) => normal(instance.admin_state),
  admin_state_source: ({ instance }) => normal(instance.admin_state_source),
  admin_up: ({ instance }) => normal(instance.admin_state === 'up'),
  beparams: ({ ctx, instance }) => normal(shownBeParams(ctx.view.cluster, instance)),
  bridge: nicValue('nic.bridge', 0),
  console: consoleCell,
  ctime: ({ instance }) => normal(instance.ctime),
  custom_beparams: ({ instance }) => normal(instance.beparams),
  custom_hvparams: ({ instance }) => normal(instance.hvparams),
  custom_nicparams: ({ instance }) => normal(instance.nics.map((nic) => nic.nicparams)),
  custom_osparams: ({ instance }) => normal(instance.osparams),
  'disk.count': ({ disks }) => normal(disks.length),
  'disk.names': everyDisk('disk.name'),
  'disk.sizes': everyDisk('disk.size'),
  'disk.spindles': everyDisk('disk.spindles'),
  'disk.uuids': everyDisk('disk.uuid'),
  disk_template: ({ instance }) => normal(instance.disk_template),
  disk_usage: diskUsage,
  disks_active: ({ instance }) => normal(instance.admin_state === 'up' || instance.disks_active === true),
  forthcoming: () => normal(false),
  hvparams: ({ ctx, instance }) => normal(shownHvParams(ctx.view.cluster, instance)),
  hypervisor: ({ instance }) => normal(instance.hypervisor),
  ip: nicValue('nic.ip', 0),
  mac: nicValue('nic.mac', 0),
  mtime: ({ instance }) => normal(instance.mtime),
  name: ({ instance }) => normal(instance.name),
  network_port: ({ instance }) => maybe(instance.network_port),
  'nic.bridges': everyNic('nic.bridge'),
  'nic.count': ({ instance }) => normal(instance.nics.length),
  'nic.ips': everyNic('nic.ip'),
  'nic.links': everyNic('nic.link'),
  'nic.macs': everyNic('nic.mac'),
  'nic.modes': everyNic('nic.mode'),
  'nic.names': everyNic('nic.name'),
  'nic.networks': everyNic('nic.network'),
  'nic.networks.names': everyNic('nic.network.name'),
  'nic.uuids': everyNic('nic.uuid'),
  'nic.vlans': everyNic('nic.vlan'),
  nic_link: nicValue('nic.link', 0),
  nic_mode: nicValue('nic.mode', 0),
  nic_network: nicValue('nic.network', 0),
  'guest.agent': (row) => row.guest(({ agent }) => agent && agentState(agent)),
  'guest.hostname': (row) => row.guest(({ agent }) => agent?.hostname),
  'guest.ips': (row) => row.guest(({ agent }) => agent?.ips),
  'guest.os': (row) => row.guest(({ agent }) => agent?.os),
  oper_ram: (row) => row.guest((guest) => guest.memory),
  oper_state: operState,
  oper_vcpus: (row) => row.guest((guest) => guest.vcpus),
  os: ({ instance }) => normal(instance.os),
  osparams: ({ ctx, instance }) => normal(fillOsParams(ctx.view.cluster, instance.os, instance.osparams)),
  pnode: ({ node }) => maybe(node?.name),
  'pnode.group': ({ group }) => maybe(group?.name),
  'pnode.group.uuid': ({ group }) => maybe(group?.uuid),
  sda_size: diskValue('disk.size', 0),
  sdb_size: diskValue('disk.size', 1),
  serial_no: ({ instance }) => normal(instance.serial_no),
  snodes: ({ secondaries }) => normal(secondaries.map((node) => node.name)),
  'snodes.group': ({ secondaries, ctx }) =>
    normal(secondaries.map((node) => ctx.view.groups.get(node.group)?.name ?? null)),
  'snodes.group.uuid': ({ secondaries }) => normal(secondaries.map((node) => node.group)),
  status: ({ instance, live }) => normal(instanceStatus(instance, live)),
  tags: ({ instance }) => normal(instance.tags),
  uuid: ({ instance }) => normal(instance.uuid),
  vcpus: beValue('vcpus'),
};

/** Adds the readers of indexed fields and of parameters to those of `values`. */
function allValues(): FieldReaders<InstanceRow> {
  const all = new Map<string, FieldReader<InstanceRow>>(Object.entries(values));
  for (const name of Object.keys(nicFamilies) as (keyof typeof nicFamilies)[])
    for (let index = 0; index < NIC_FIELDS; index++) all.set(`${name}/${index}`, nicValue(name, index));
  for (const name of Object.keys(diskFamilies) as (keyof typeof diskFamilies)[])
    for (let index = 0; index < DISK_FIELDS; index++) all.set(`${name}/${index}`, diskValue(name, index));
  for (const name of Object.keys(beParamFields)) all.set(name, beValue(name.slice('be/'.length)));
  for (const name of Object.keys(hvParamFields)) all.set(name, hvValue(name.slice('hv/'.length)));
  return all;
}

/** The readers of all fields of an instance. */
export const instanceValues: FieldReaders<InstanceRow> = allValues();
