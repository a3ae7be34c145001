// OP_INSTANCE_QUERY_DATA: all data of instances, in Ganeti's form. With static no node is asked. The secret of a mirror is never shown.

import type { Json } from '../../base/json.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams, fillNicParams, fillOsParams, instanceHvParams } from '../../model/fill.ts';
import { instanceNamed, primaryOf } from '../../model/find.ts';
import { clusterOnlyHvParams } from '../../model/hvparams/index.ts';
import type { Instance } from '../../model/instance.ts';
import { diskNodesOf, MirrorId } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { instanceQueryData as opcode } from '../../opcodes/instance/query-data.ts';
import type { diskStatus } from '../../rpc/calls/disk.ts';
import type { CallResult } from '../../rpc/define.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { type CheckContext, defineUnit } from '../define.ts';

export const instanceQueryData = defineUnit(opcode, {
  async check(context, params) {
    const { view } = context;
    const wanted = params.instances.map((name) => instanceNamed(view, name));
    const all = wanted.length === 0 ? view.instances.list() : wanted;
    const rows = await Promise.all(
      all.map(async (instance) => [instance.name, await describe(context, instance, params.static)] as const),
    );
    return Object.fromEntries(rows) as Record<string, Record<string, Json>>;
  },
  run: async (_context, rows) => ({ result: rows }),
});

async function describe(
  context: CheckContext,
  instance: Instance,
  isStatic: boolean,
): Promise<Record<string, unknown>> {
  const { view, runtime } = context;
  const { cluster } = view;
  const node = primaryOf(view, instance);
  const group = view.groups.get(node.group);
  const { secondary } = diskNodesOf(view, instance);
  const others = secondary ? [secondary] : [];
  // Whether the node can be asked: what cannot be known is shown as null.
  const isKnown = !isStatic && !node.offline && runtime.of(node.uuid) !== null;
  const runState = isRunning(runtime, instance) ? 'up' : 'down';
  return {
    name: instance.name,
    config_state: instance.admin_state,
    run_state: isKnown ? runState : null,
    pnode: node.name,
    pnode_group_uuid: node.group,
    pnode_group_name: group?.name ?? null,
    snodes: others.map((each) => each.name),
    snodes_group_uuids: others.map((each) => each.group),
    snodes_group_names: others.map((each) => view.groups.get(each.group)?.name ?? null),
    os: instance.os,
    nics: describeNics(view, instance),
    disk_template: instance.disk_template,
    disks: await describeDisks(context, instance, isKnown),
    hypervisor: instance.hypervisor,
    network_port: instance.network_port,
    hv_instance: instance.hvparams,
    hv_actual: withoutClusterOnly(instanceHvParams(cluster, instance)),
    be_instance: instance.beparams,
    be_actual: fillBeParams(cluster, instance.beparams),
    os_instance: instance.osparams,
    os_actual: fillOsParams(cluster, instance.os, instance.osparams),
    serial_no: instance.serial_no,
    mtime: instance.mtime,
    ctime: instance.ctime,
    uuid: instance.uuid,
  };
}

function withoutClusterOnly(params: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !clusterOnlyHvParams.includes(name)));
}

function describeNics(view: ClusterView, instance: Instance): unknown[] {
  return instance.nics.map((nic) => {
    const { mode, link, vlan } = fillNicParams(view.cluster, nic);
    const network = nic.network === null ? null : (view.networks.get(nic.network) ?? null);
    return [nic.name, nic.uuid, nic.ip, nic.mac, mode, link, vlan, nic.network, network];
  });
}

async function describeDisks(
  { view, nodes }: CheckContext,
  instance: Instance,
  isKnown: boolean,
): Promise<Record<string, unknown>[]> {
  const disks = view.disksOf(instance);
  const { primary, secondary } = diskNodesOf(view, instance);
  const ask = async (node: Node | null) => {
    if (!isKnown || !node || node.offline || disks.length === 0) return [];
    const answer = nodes.call(node, 'disk.status', { disks: disks.map(diskTarget) });
    if (node === primary) return (await answer).disks;
    // If the secondary node does not answer, its side is shown as unknown.
    return answer.then(({ disks }) => disks).catch(() => []);
  };
  const [here, there] = [await ask(primary), await ask(secondary)];
  return disks.map((disk: Disk, index) => ({
    iv_name: `disk/${index}`,
    dev_type: disk.dev_type,
    ...describePlace(view, disk),
    pstatus: describeStatus(here[index]),
    sstatus: describeStatus(there[index]),
    children: [],
    mode: disk.mode,
    size: disk.size,
    spindles: disk.spindles,
    name: disk.name,
    uuid: disk.uuid,
  }));
}

type Status = CallResult<typeof diskStatus>['disks'][number];

/** Ganeti's number for the state of the data of a disk (of 1 ok, 2 unknown, 3 faulty, 4 synchronising). */
const DATA_OK = 1;
const DATA_SYNC = 4;

/**
 * Ganeti's form of a status: device, major and minor number (not known here), percent and remaining seconds of a synchronisation, whether
 * it is degraded, state of the data. Null for a disk that is not active.
 */
function describeStatus(status: Status | undefined): unknown[] | null {
  if (!status?.exists || !status.active) return null;
  const { sync_percent = null, estimated_time = null, degraded = false } = status.mirror ?? {};
  const data = sync_percent === null ? DATA_OK : DATA_SYNC;
  return [status.path, null, null, sync_percent, estimated_time, degraded, data];
}

/** Where the data is; the secret of a mirror is replaced. */
function describePlace(view: ClusterView, disk: Disk): { logical_id: unknown[]; drbd_info: unknown } {
  if (!templates[disk.dev_type].mirrored) return { logical_id: disk.logical_id, drbd_info: null };
  const [a, b, port, minorA, minorB] = MirrorId.parse(disk.logical_id);
  const nameOf = (uuid: string) => view.nodes.get(uuid)?.name ?? uuid;
  return {
    logical_id: [a, b, port, minorA, minorB, '<redacted>'],
    drbd_info: {
      primary_node: nameOf(a),
      primary_minor: minorA,
      secondary_node: nameOf(b),
      secondary_minor: minorB,
      port,
    },
  };
}
