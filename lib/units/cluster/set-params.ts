// OP_CLUSTER_SET_PARAMS: changes the cluster. Its parameters are of three kinds: settings that are stored as given (settingsOf), lists
// (listsOf, new-lists.ts) and sets of parameters that nodes, groups and instances inherit (inheritedOf, new-params.ts).

import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type Cluster, MAC_PREFIX } from '../../model/cluster.ts';
import { fillIPolicy } from '../../model/fill.ts';
import { refuseStates } from '../../model/given-params.ts';
import { updatedDiskParams } from '../../model/group-params.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import { type IPolicy, ipolicyViolations } from '../../model/ipolicy.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { clusterSetParams as opcode } from '../../opcodes/cluster/set-params.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import { checkAllocator } from '../../placement/iallocator.ts';
import { put } from '../../store/changes.ts';
import { fillPool } from '../checks/candidates.ts';
import { specOfInstance } from '../checks/spec.ts';
import { type CheckContext, defineUnit } from '../define.ts';
import { clusterHooks } from '../hooks/hooks.ts';
import { checkNodesRun, checkStorage } from './needs.ts';
import {
  changedNames,
  checkCollectors,
  checkFolder,
  newHypervisors,
  newTemplates,
  newUids,
} from './new-lists.ts';
import {
  checkDiskParams,
  newBeParams,
  newHvParams,
  newNdParams,
  newNicParams,
  newOsHvp,
  newOsParams,
  newPolicy,
  newPrivateOsParams,
  shownBeParams,
} from './new-params.ts';

type Request = ValuesOf<typeof opcode>;

/** Parameters that are stored as they are given. */
const plain = [
  'candidate_pool_size',
  'max_running_jobs',
  'max_tracked_jobs',
  'maintain_node_health',
  'prealloc_wipe_disks',
  'master_netdev',
  'master_netmask',
  'reserved_lvs',
  'use_external_mip_script',
  'modify_etc_hosts',
  'file_storage_dir',
  'shared_file_storage_dir',
  'gluster_storage_dir',
  'compression_tools',
  'enabled_user_shutdown',
  'default_iallocator',
] as const;

/** Parameters of Ganeti that Merapi does not support: they must be left out or empty. */
const unsupported = ['install_image', 'instance_communication_network', 'zeroing_image'] as const;

export const clusterSetParams = defineUnit(opcode, {
  async check(context, params) {
    const { view, log, resolve } = context;
    refuseStates(params);
    for (const name of unsupported)
      if (params[name]) throw new MerapiError('wrong_input', `${name} is not supported; leave it out`);
    const beparams = params.beparams && shownBeParams(params.beparams);
    if (beparams) resolve({ beparams: beparams as Record<string, Json> });
    const patch = {
      ...settingsOf(params),
      ...listsOf(context, params),
      ...inheritedOf(context, { ...params, beparams }),
    };
    if (patch.ipolicy || patch.enabled_disk_templates) {
      const { ipolicy, enabled_disk_templates } = { ...view.cluster, ...patch };
      checkTemplatesAllowed(ipolicy, enabled_disk_templates);
    }
    if (params.default_iallocator) await checkAllocator(view, params.default_iallocator);
    checkStorage(view, patch);
    const changedHypervisors = new Set([
      ...Object.keys(params.hvparams ?? {}),
      ...(patch.enabled_hypervisors ?? []),
    ]) as Set<HypervisorName>;
    if (changedHypervisors.size > 0) await checkNodesRun(context, [...changedHypervisors]);
    if (patch.ipolicy)
      for (const name of violatingInstances(view, patch.ipolicy))
        log(`Instance ${name} violates the new instance policy`);
    return { patch };
  },

  hooks: (view, _facts, { vg_name }) =>
    clusterHooks(view, 'cluster-modify', { env: { NEW_VG_NAME: vg_name ?? 'None' } }),

  async run(context, { patch }) {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => [
        put('cluster', changed(view.cluster, patch, now)),
        ...(patch.candidate_pool_size === undefined
          ? []
          : fillPool(view, now, { size: patch.candidate_pool_size })),
      ],
    };
  },
});

/** The settings that a request gives. @throws MerapiError wrong_input */
function settingsOf(params: Request): Partial<Cluster> {
  for (const name of ['file_storage_dir', 'shared_file_storage_dir', 'gluster_storage_dir'] as const)
    checkFolder(name, params[name] ?? '');
  const given = plain.filter((name) => params[name] !== null).map((name) => [name, params[name]]);
  const patch: Partial<Cluster> = Object.fromEntries(given);
  if (params.master_netmask !== null && params.master_netmask > 128)
    throw new MerapiError(
      'wrong_input',
      `A network prefix has at most 128 bits, not ${params.master_netmask}`,
    );
  // An empty text means none.
  if (params.vg_name !== null) patch.vg_name = params.vg_name || null;
  if (params.drbd_helper !== null) patch.drbd_helper = params.drbd_helper || null;
  if (params.mac_prefix !== null) {
    if (!MAC_PREFIX.test(params.mac_prefix))
      throw new MerapiError(
        'wrong_input',
        `'${params.mac_prefix}' is not a MAC prefix; give three bytes such as aa:00:00, the first of them even`,
      );
    patch.mac_prefix = params.mac_prefix.toLowerCase();
  }
  return patch;
}

/** The lists that a request changes. @throws MerapiError wrong_input, wrong_state */
function listsOf({ view, log }: CheckContext, params: Request): Partial<Cluster> {
  const { cluster } = view;
  const patch: Partial<Cluster> = {};
  const { enabled_hypervisors, enabled_disk_templates, enabled_data_collectors, data_collector_interval } =
    params;
  if (enabled_hypervisors) patch.enabled_hypervisors = newHypervisors(view, enabled_hypervisors);
  if (enabled_disk_templates) patch.enabled_disk_templates = newTemplates(view, enabled_disk_templates);
  if (params.uid_pool || params.add_uids || params.remove_uids)
    patch.uid_pool = newUids(cluster.uid_pool, params);
  for (const name of ['hidden_os', 'blacklisted_os'] as const)
    if (params[name]) patch[name] = changedNames(cluster[name], params[name], log);
  checkCollectors({ ...enabled_data_collectors, ...data_collector_interval });
  if (enabled_data_collectors)
    patch.enabled_data_collectors = { ...cluster.enabled_data_collectors, ...enabled_data_collectors };
  if (data_collector_interval) {
    if (Object.values(data_collector_interval).some((value) => value < 1))
      throw new MerapiError('wrong_input', 'data_collector_interval must be at least one microsecond');
    patch.data_collector_interval = { ...cluster.data_collector_interval, ...data_collector_interval };
  }
  return patch;
}

/** The parameter sets that a request changes. @throws MerapiError wrong_input, type_enforcement, hypervisor */
function inheritedOf({ view, seal }: CheckContext, params: Request): Partial<Cluster> {
  const { cluster } = view;
  const patch: Partial<Cluster> = {};
  const { diskparams, default_iallocator_params } = params;
  if (params.hvparams) patch.hvparams = newHvParams(cluster.hvparams, params.hvparams);
  if (params.os_hvp) patch.os_hvp = newOsHvp(cluster.os_hvp, params.os_hvp);
  if (params.beparams) patch.beparams = newBeParams(cluster.beparams, params.beparams);
  if (params.nicparams) patch.nicparams = newNicParams(cluster.nicparams, params.nicparams);
  if (params.ndparams) patch.ndparams = newNdParams(cluster.ndparams, params.ndparams);
  if (params.osparams) patch.osparams = newOsParams(cluster.osparams, params.osparams);
  if (params.osparams_private_cluster)
    patch.osparams_private = newPrivateOsParams(seal, cluster, params.osparams_private_cluster);
  if (diskparams) {
    checkDiskParams(diskparams);
    patch.diskparams = updatedDiskParams(cluster.diskparams, diskparams);
  }
  if (params.ipolicy) patch.ipolicy = newPolicy(cluster.ipolicy, params.ipolicy);
  if (default_iallocator_params)
    patch.default_iallocator_params =
      newOsParams({ own: cluster.default_iallocator_params }, { own: default_iallocator_params }).own ?? {};
  return patch;
}

/** @throws MerapiError wrong_input when the policy allows a disk template that is not enabled */
function checkTemplatesAllowed(policy: IPolicy, enabled: Cluster['enabled_disk_templates']): void {
  const lost = policy['disk-templates'].filter((template) => !enabled.includes(template));
  if (lost.length > 0)
    throw new MerapiError(
      'wrong_input',
      `The instance policy allows ${lost.join(', ')}, which is not enabled; give both ipolicy and enabled_disk_templates`,
    );
}

/** The names of the instances that violate a new policy of the cluster, with what their group overrides. */
function violatingInstances(view: ClusterView, policy: IPolicy): string[] {
  const policies = new Map(
    view.groups.list().map((group) => [group.uuid, fillIPolicy(policy, group.ipolicy)] as const),
  );
  const violating = view.instances.list().filter((instance) => {
    const groupPolicy = policies.get(view.nodes.get(instance.primary_node)?.group ?? '');
    if (!groupPolicy) return false;
    const spec = specOfInstance(view, instance, view.disksOf(instance));
    return ipolicyViolations(groupPolicy, spec).length > 0;
  });
  return violating.map(({ name }) => name);
}
