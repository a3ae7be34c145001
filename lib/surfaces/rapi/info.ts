import { arch } from 'node:process';
import { VERSION } from '../../base/version.ts';
import { dataCollectors } from '../../model/cluster.ts';
import type { ShownCluster } from '../../views/cluster.ts';

/** The release of Ganeti whose remote API is served. */
const GANETI_VERSION = '3.1.0';
const GANETI_PROTOCOL = 3_010_000;
/** The version of Ganeti's OS interface that OS definitions must speak. */
const OS_API_VERSION = 20;

/** From Node's names of processor architectures to those of Python's platform module, which Ganeti shows. */
const machines: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ia32: 'i686',
  s390x: 's390x',
};

/** Microseconds between two runs of a data collector. */
const COLLECTOR_INTERVAL = 5_000_000;

/** The same value for every data collector. */
function forAllCollectors<T>(value: T): Record<string, T> {
  return Object.fromEntries(dataCollectors.map((name) => [name, value]));
}

/**
 * The cluster as GET /2/info returns it. The keys and their order are Ganeti's, as recorded; `merapi_version` is the only key that Ganeti does not have. A feature that Merapi lacks
 * (install images, instance communication, Ganeti's SSH setup) has the value that a Ganeti cluster without the feature shows.
 */
export function showCluster(cluster: ShownCluster): Readonly<Record<string, unknown>> {
  return {
    software_version: GANETI_VERSION,
    merapi_version: VERSION,
    protocol_version: GANETI_PROTOCOL,
    config_version: GANETI_PROTOCOL,
    os_api_version: OS_API_VERSION,
    export_version: 0,
    vcs_version: `merapi ${VERSION}`,
    architecture: ['64bits', machines[arch] ?? arch],
    name: cluster.name,
    master: cluster.master,
    default_hypervisor: cluster.enabled_hypervisors[0],
    enabled_hypervisors: cluster.enabled_hypervisors,
    hvparams: cluster.hvparams,
    os_hvp: cluster.os_hvp,
    beparams: { default: cluster.beparams },
    osparams: cluster.osparams,
    ipolicy: cluster.ipolicy,
    nicparams: { default: cluster.nicparams },
    ndparams: cluster.ndparams,
    diskparams: cluster.diskparams,
    candidate_pool_size: cluster.candidate_pool_size,
    max_running_jobs: cluster.max_running_jobs,
    max_tracked_jobs: cluster.max_tracked_jobs,
    mac_prefix: cluster.mac_prefix,
    master_netdev: cluster.master_netdev,
    master_netmask: cluster.master_netmask,
    use_external_mip_script: cluster.use_external_mip_script,
    volume_group_name: cluster.vg_name,
    drbd_usermode_helper: cluster.drbd_helper,
    file_storage_dir: cluster.file_storage_dir,
    shared_file_storage_dir: cluster.shared_file_storage_dir,
    gluster_storage_dir: cluster.gluster_storage_dir,
    maintain_node_health: cluster.maintain_node_health,
    ctime: cluster.ctime,
    mtime: cluster.mtime,
    uuid: cluster.uuid,
    tags: cluster.tags,
    uid_pool: cluster.uid_pool,
    default_iallocator: cluster.default_iallocator,
    default_iallocator_params: cluster.default_iallocator_params,
    reserved_lvs: cluster.reserved_lvs,
    primary_ip_version: 4,
    prealloc_wipe_disks: cluster.prealloc_wipe_disks,
    hidden_os: cluster.hidden_os,
    blacklisted_os: cluster.blacklisted_os,
    enabled_disk_templates: cluster.enabled_disk_templates,
    install_image: '',
    instance_communication_network: '',
    zeroing_image: '',
    compression_tools: cluster.compression_tools,
    enabled_user_shutdown: cluster.enabled_user_shutdown,
    enabled_data_collectors: { ...forAllCollectors(true), ...cluster.enabled_data_collectors },
    data_collector_interval: { ...forAllCollectors(COLLECTOR_INTERVAL), ...cluster.data_collector_interval },
    modify_ssh_setup: false,
    ssh_key_type: 'rsa',
    ssh_key_bits: 2048,
    vg_name: cluster.vg_name,
    drbd_helper: cluster.drbd_helper,
  };
}
