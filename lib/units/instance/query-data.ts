import type { Json } from '../../base/json.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams, fillNicParams, fillOsParams, instanceHvParams } from '../../model/fill.ts';
import { clusterOnlyHvParams } from '../../model/hvparams/index.ts';
import type { Instance } from '../../model/instance.ts';
import type { ClusterView } from '../../model/view.ts';
import { instanceQueryData as opcode } from '../../opcodes/instance/query-data.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { instanceNamed, primaryOf } from '../steps/find.ts';
import { isRunning } from '../steps/running.ts';
import { diskTarget } from '../steps/target.ts';

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
  const isKnown = !isStatic && !node.offline && runtime.of(node.uuid) !== null;
  return {
    name: instance.name,
    config_state: instance.admin_state,
    run_state: isKnown ? (isRunning(runtime, instance) ? 'up' : 'down') : null,
    pnode: node.name,
    pnode_group_uuid: node.group,
    pnode_group_name: group?.name ?? null,
    snodes: [],
    snodes_group_uuids: [],
    snodes_group_names: [],
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
    return [nic.name, nic.uuid, nic.ip, nic.mac, mode, link, vlan, nic.network, null];
  });
}

async function describeDisks(
  { view, nodes }: CheckContext,
  instance: Instance,
  isKnown: boolean,
): Promise<Record<string, unknown>[]> {
  const disks = view.disksOf(instance);
  const live =
    isKnown && disks.length > 0
      ? (await nodes.call(primaryOf(view, instance), 'disk.status', { disks: disks.map(diskTarget) })).disks
      : [];
  return disks.map((disk: Disk, index) => ({
    iv_name: `disk/${index}`,
    dev_type: disk.dev_type,
    logical_id: disk.logical_id,
    drbd_info: null,
    // Ganeti's form: device, its numbers, how far and how long it syncs, whether it is degraded, and 1 for "all is well".
    pstatus: live[index]?.exists ? [live[index].path, null, null, null, null, false, 1] : null,
    sstatus: null,
    children: [],
    mode: disk.mode,
    size: disk.size,
    spindles: disk.spindles,
    name: disk.name,
    uuid: disk.uuid,
  }));
}
