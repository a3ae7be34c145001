import * as z from 'zod';
import { ALL, type LockPlan, type LockWish } from '../../model/locks.ts';
import { type Kind, kinds, maybe, oneOf, optional, secret, shared } from '../../model/params.ts';
import { type DiskTemplate, diskTemplates, isMirrored } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import { defineOpcode } from '../define.ts';
import { diskKind, nicParamsKind } from '../kinds.ts';
import { instancePlan, networksShared, nodeLock } from '../locking.ts';

/** The operations on a device. */
const deviceOps = ['detach', 'attach', 'modify', 'add', 'remove'] as const;
const shortOps = ['detach', 'attach', 'remove', 'add'] as const;
export type DeviceOp = (typeof deviceOps)[number];

/** A change of a device in a request: [operation, index or name, parameters], or the old form without the second part. */
export type DeviceChange<P> = [DeviceOp, number | string, P] | [Exclude<DeviceOp, 'modify'> | number, P];

function changesOf<P>(params: Kind<z.ZodType<P>>): Kind<z.ZodType<DeviceChange<P>[]>> {
  const long = `List of ((Length 3) and (Item 0 is (OneOf ${deviceOps.join(', ')}), item 1 is (Integer or String [Device index, can be negative, e.g. -1 for last disk]), item 2 is (${params.type})))`;
  const short = `List of ((Length 2) and (Item 0 is ((OneOf ${shortOps.join(', ')}) or EqualOrGreaterThanZero), item 1 is (${params.type})))`;
  return {
    type: `(${long} [Recommended]) or (${short} [Deprecated])`,
    words: `a list of changes, each [WHAT, WHICH, PARAMETERS] with ${deviceOps.join(', ')} and a number or name`,
    example: [['add', -1, params.example]],
    schema: z.union([
      z.array(z.tuple([z.enum(deviceOps), z.union([z.number().int(), z.string()]), params.schema])),
      z.array(z.tuple([z.union([z.enum(shortOps), z.number().int().min(0)]), params.schema])),
    ]) as never,
  };
}

const atLeastOne: Kind<z.ZodNumber> = { type: 'GreaterThanZero', schema: z.number().int().min(1) };

export const instanceSetParams = defineOpcode({
  id: 'OP_INSTANCE_SET_PARAMS',
  summary: 'Changes an instance; most changes take effect at its next start.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force: shared.force,
    force_variant: optional(kinds.bool, false, 'Accept an OS variant that the definition does not list.'),
    ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
    nics: optional(changesOf(nicParamsKind), [], 'Changes of NICs: [what, which, parameters].'),
    disks: optional(changesOf(diskKind), [], 'Changes of disks: [what, which, parameters].'),
    beparams: optional(kinds.dict, {}, 'Backend parameters; "default" makes it inherit one again.'),
    runtime_mem: optional(
      maybe(atLeastOne),
      null,
      'The memory (MiB) that a running instance has from now on.',
    ),
    hvparams: optional(kinds.dict, {}, 'Hypervisor parameters; "default" makes it inherit one again.'),
    disk_template: optional(
      maybe(oneOf(diskTemplates)),
      null,
      'The template that its disks are converted to.',
    ),
    ext_params: optional(kinds.dict, {}, 'Parameters of disks that are converted to the template ext.'),
    file_driver: optional(
      maybe(oneOf(['blktap', 'blktap2', 'loop'])),
      null,
      'The driver of disks that become files.',
    ),
    file_storage_dir: optional(maybe(kinds.name), null, 'The folder of disks that become files.'),
    pnode: optional(maybe(kinds.name), null, 'The new primary node in the configuration; no data is moved.'),
    pnode_uuid: optional(maybe(kinds.name), null, 'This node by uuid; filled in.'),
    remote_node: optional(maybe(kinds.name), null, 'The secondary node of disks that become mirrored.'),
    remote_node_uuid: optional(maybe(kinds.name), null, 'This node by uuid; filled in.'),
    iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the secondary node.'),
    os_name: optional(maybe(kinds.name), null, 'The OS in the configuration; nothing is installed.'),
    osparams: optional(kinds.osParams, {}, 'OS parameters; "default" removes one.'),
    osparams_private: secret(
      optional(maybe(kinds.privateDict), null, 'Private OS parameters; "default" removes one.'),
    ),
    wait_for_sync: optional(kinds.bool, true, 'Wait until new mirrored disks are in sync.'),
    offline: optional(maybe(kinds.bool), null, 'Take it out of service, or back.'),
    conflicts_check: optional(
      kinds.bool,
      true,
      'Refuse addresses that belong to a network which the NIC is not in.',
    ),
    hotplug: optional(kinds.bool, false, 'Change the devices of the running guest too.'),
    hotplug_if_possible: optional(kinds.bool, false, 'The same, but do not fail if it is not possible.'),
    instance_communication: optional(
      maybe(kinds.bool),
      null,
      'Whether it has a NIC for communication with its node.',
    ),
  },
  result: z.array(z.tuple([z.string(), z.unknown()])),
  summaryField: 'instance_name',
  locks,
  example: { instance_name: 'web1.example.com', beparams: { vcpus: 2 } },
});

/** Locks the instance and its nodes, new nodes (all if an allocator must choose one), and the networks that NICs name. */
function locks(
  params: {
    instance_name: string;
    disk_template: DiskTemplate | null;
    remote_node: string | null;
    pnode: string | null;
    nics: readonly DeviceChange<{ network?: string | null }>[];
  },
  view: ClusterView,
): LockPlan {
  const plan = instancePlan(view, params.instance_name, 'shared');
  const chooses = isMirrored(params.disk_template) && params.remote_node === null;
  const added = [params.remote_node, params.pnode].flatMap((name) =>
    name === null ? [] : [nodeLock(view, name)],
  );
  const networks = networksShared(
    view,
    params.nics.map((change) => (change.at(-1) as { network?: string | null }).network),
  );
  const devices = plan.map((wish): LockWish => {
    if (wish.level !== 'node') return wish;
    return { ...wish, names: chooses ? ALL : [...new Set([...wish.names, ...added])] };
  });
  return [...devices, ...networks];
}
