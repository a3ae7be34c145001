import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { type Kind, kinds, lines, maybe, optional, secret } from '../../model/params.ts';
import { diskTemplates } from '../../model/templates/index.ts';
import { defineOpcode } from '../define.ts';
import { diskParamsKind, jobsResult, nicParamsKind } from '../kinds.ts';

const dictOfDicts = {
  type: 'Dictionary with keys of String and values of (Dictionary with keys of Anything and values of Anything)',
  schema: z.record(z.string(), z.record(z.string(), z.unknown())),
};
/** Changes of OS parameters: null removes one, so this is not the kind of complete OS parameters, which refuses null. */
const osChanges = z.record(z.string(), z.unknown());
const osDicts = lines({
  type: dictOfDicts.type,
  schema: z.record(z.string(), osChanges),
});
const privateDictOfDicts = lines({
  type: 'Dictionary with keys of String and values of (Dictionary with keys of Anything and values of (Private Anything))',
  schema: z.record(z.string(), osChanges),
});
const atLeastOne: Kind<z.ZodNumber> = { type: 'GreaterThanZero', schema: z.number().int().min(1) };
const uidRanges = {
  type: 'List of (Tuple of (Integer, Integer))',
  schema: z.array(z.tuple([z.number().int(), z.number().int()])),
};
const nameChanges = {
  type: 'List of (Tuple of (OneOf detach, attach, remove, add, NonEmptyString))',
  schema: z.array(z.tuple([z.enum(['detach', 'attach', 'remove', 'add']), z.string().min(1)])),
};
const listOf = <const T extends readonly [string, ...string[]]>(values: T) => ({
  type: `List of (OneOf ${values.join(', ')})`,
  schema: z.array(z.enum(values)),
});
const flags = {
  type: 'Dictionary with keys of String and values of Boolean',
  schema: z.record(z.string(), z.boolean()),
};
const numbers = {
  type: 'Dictionary with keys of String and values of Integer',
  schema: z.record(z.string(), z.number().int()),
};

/** A parameter that is left unchanged when it is null or missing. */
const change = <S extends z.ZodType>(kind: Kind<S>, doc: string) => optional(maybe(kind), null, doc);

export const clusterSetParams = defineOpcode({
  id: 'OP_CLUSTER_SET_PARAMS',
  summary: 'Changes the defaults that the objects of the cluster inherit, and the limits of the cluster.',
  params: {
    force: optional(kinds.bool, false, 'Do it even when a check advises against it.'),
    hv_state: change(kinds.dict, 'What the hypervisors of nodes may use.'),
    disk_state: change(kinds.dict, 'What disk space of nodes may be used.'),
    vg_name: change(kinds.text, 'The volume group of logical volumes.'),
    enabled_hypervisors: change(
      listOf(hypervisors),
      'The hypervisors that instances may have; the first is the default.',
    ),
    hvparams: change(dictOfDicts, 'Hypervisor parameters by hypervisor.'),
    beparams: change(kinds.dict, 'Backend parameters.'),
    os_hvp: change(dictOfDicts, 'Hypervisor parameters by OS, then hypervisor.'),
    osparams: change(osDicts, 'OS parameters by OS.'),
    osparams_private_cluster: secret(change(privateDictOfDicts, 'Private OS parameters by OS.')),
    diskparams: change(diskParamsKind, 'Disk parameters by disk template.'),
    candidate_pool_size: change(atLeastOne, 'How many master candidates there should be.'),
    max_running_jobs: change(atLeastOne, 'How many jobs run at once.'),
    max_tracked_jobs: change(atLeastOne, 'How many jobs are watched at once.'),
    uid_pool: change(uidRanges, 'The user ids for guests, as ranges.'),
    add_uids: change(uidRanges, 'Ranges to add to these.'),
    remove_uids: change(uidRanges, 'Ranges to remove from these.'),
    maintain_node_health: change(kinds.bool, 'Whether the watcher repairs nodes.'),
    prealloc_wipe_disks: change(kinds.bool, 'Whether new disks are overwritten before they are used.'),
    nicparams: change(nicParamsKind, 'Link parameters of NICs.'),
    ndparams: change(kinds.dict, 'Node parameters.'),
    ipolicy: change(kinds.dict, 'The instance policy, or parts of it.'),
    drbd_helper: change(kinds.text, 'The usermode helper of DRBD.'),
    default_iallocator: change(kinds.text, 'The allocator of requests that name none; empty for none.'),
    default_iallocator_params: change(kinds.dict, 'Its parameters.'),
    mac_prefix: change(kinds.name, 'The first three bytes of generated MAC addresses.'),
    master_netdev: change(kinds.text, 'The network device of the master address.'),
    master_netmask: change(kinds.count, 'The length of its network prefix.'),
    reserved_lvs: change(kinds.names, 'Logical volumes that are never used or removed.'),
    hidden_os: change(
      nameChanges,
      'OS definitions to hide from lists, or to show again: [add or remove, name].',
    ),
    blacklisted_os: change(
      nameChanges,
      'OS definitions that may not be installed any more: [add or remove, name].',
    ),
    use_external_mip_script: change(kinds.bool, 'Whether a script sets up the master address.'),
    enabled_disk_templates: change(listOf(diskTemplates), 'The disk templates that instances may have.'),
    modify_etc_hosts: change(kinds.bool, 'Whether the hosts file of nodes is kept up to date.'),
    file_storage_dir: change(kinds.text, 'The folder of disks with the template file.'),
    shared_file_storage_dir: change(kinds.text, 'The folder of disks with the template sharedfile.'),
    gluster_storage_dir: change(kinds.text, 'The folder where Gluster volumes are mounted.'),
    install_image: change(kinds.text, 'The image of the helper that installs guests.'),
    instance_communication_network: change(kinds.text, 'The network between instances and their nodes.'),
    zeroing_image: change(kinds.text, 'The image of the helper that zeroes disks.'),
    compression_tools: change(kinds.names, 'The programs that may compress exports.'),
    enabled_user_shutdown: change(kinds.bool, 'Whether a guest that shuts itself down stays down.'),
    enabled_data_collectors: change(flags, 'Whether each data collector runs.'),
    data_collector_interval: change(numbers, 'Microseconds between its runs, for each data collector.'),
  },
  result: z.object({ jobs: jobsResult }).nullable(),
  summaryField: null,
  // Every other job holds this lock as shared: so none runs while the values change that all objects inherit.
  locks: () => [{ level: 'cluster', names: [CLUSTER_LOCK], mode: 'exclusive' }],
  example: { beparams: { vcpus: 2 }, candidate_pool_size: 5 },
});
