// The schema of the stored cluster object. Old stores and backups are read with it too: a new field needs a default, and a field must
// not change its meaning.
import * as z from 'zod';
import { BeParams } from './beparams.ts';
import { diskParamDefaults } from './diskparams/index.ts';
import { hypervisors } from './hvparams/index.ts';
import { IPolicy } from './ipolicy.ts';
import { NicParams } from './nic.ts';
import { ObjectBase } from './object.ts';
import { diskTemplates } from './templates/index.ts';

/** The data collectors of Ganeti's monitoring daemon; Merapi only stores their settings. */
export const dataCollectors = [
  'cpu-avg-load',
  'diskstats',
  'drbd',
  'inst-status-xen',
  'lv',
  'xen-cpu-avg-load',
] as const;

/** The first three bytes of MAC addresses, e.g. aa:00:00. The first byte is even: odd ones are multicast addresses. */
export const MAC_PREFIX = /^[0-9a-f][02468ace](:[0-9a-f]{2}){2}$/i;

/** A node of the cluster description that has not answered so far; it joins the cluster when it does. */
const AwaitedNode = z.object({ uuid: z.string(), name: z.string(), primary_ip: z.string() });

/** The cluster itself: names, defaults that instances, nodes and groups inherit, and limits. */
export const Cluster = ObjectBase.extend({
  name: z.string(),
  /** The master node, by uuid. */
  master_node: z.string(),
  enabled_hypervisors: z.array(z.enum(hypervisors)).min(1),
  enabled_disk_templates: z.array(z.enum(diskTemplates)).min(1),
  hvparams: z.record(z.enum(hypervisors), z.record(z.string(), z.unknown())),
  /** Hypervisor parameters by OS, then hypervisor. */
  os_hvp: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))),
  beparams: BeParams,
  nicparams: NicParams,
  ndparams: z.record(z.string(), z.unknown()),
  osparams: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** By template; templates that are newer than the stored cluster get their defaults. */
  diskparams: z
    .partialRecord(z.enum(diskTemplates), z.record(z.string(), z.unknown()))
    .transform((own) => ({ ...diskParamDefaults, ...own })),
  ipolicy: IPolicy,
  candidate_pool_size: z.number().int(),
  max_running_jobs: z.number().int(),
  max_tracked_jobs: z.number().int(),
  /** Whether new jobs are refused. */
  queue_drained: z.boolean().default(false),
  awaited_nodes: z.array(AwaitedNode).default([]),
  /** The instances (uuids) that were shut down together with the master; its next start starts them again. */
  stopped_instances: z.array(z.string()).default([]),
  /** How many seconds after their end jobs are archived; null: never. */
  archive_after: z.number().int().nullable().default(21_600),
  mac_prefix: z.string(),
  master_netdev: z.string(),
  master_netmask: z.number().int(),
  file_storage_dir: z.string(),
  shared_file_storage_dir: z.string(),
  gluster_storage_dir: z.string(),
  /** Folders in which the nodes look for OS definitions. */
  os_search_path: z.array(z.string()),
  /** Folders of the master's host that are searched for executables of allocators. */
  iallocator_search_path: z.array(z.string()).default([]),
  default_iallocator: z.string(),
  default_iallocator_params: z.record(z.string(), z.unknown()),
  hidden_os: z.array(z.string()),
  blacklisted_os: z.array(z.string()),
  prealloc_wipe_disks: z.boolean(),
  maintain_node_health: z.boolean(),
  /** Private OS parameters by OS, as sealed JSON (base/seal.ts); null when there are none. */
  osparams_private: z.string().nullable().default(null),
  // Stored and shown for Ganeti's clients, but without effect in Merapi (docs/support.md).
  vg_name: z.string().nullable().default(null),
  drbd_helper: z.string().nullable().default(null),
  uid_pool: z.array(z.tuple([z.number().int(), z.number().int()])).default([]),
  reserved_lvs: z.array(z.string()).default([]),
  compression_tools: z.array(z.string()).default(['gzip', 'gzip-fast', 'gzip-slow']),
  use_external_mip_script: z.boolean().default(false),
  modify_etc_hosts: z.boolean().default(false),
  enabled_user_shutdown: z.boolean().default(false),
  /** Only those that differ from the default: all are enabled. */
  enabled_data_collectors: z.record(z.string(), z.boolean()).default({}),
  /** Microseconds; only those that differ from the default. */
  data_collector_interval: z.record(z.string(), z.number().int()).default({}),
  tags: z.array(z.string()),
});
export type Cluster = z.infer<typeof Cluster>;
