import { z } from 'zod';
import { BeParams } from './beparams.ts';
import { diskTemplates } from './diskparams/index.ts';
import { hypervisors } from './hvparams/index.ts';
import { IPolicy } from './ipolicy.ts';
import { NicParams } from './nic.ts';
import { ObjectBase } from './object.ts';

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
  diskparams: z.record(z.enum(diskTemplates), z.record(z.string(), z.unknown())),
  ipolicy: IPolicy,
  candidate_pool_size: z.number().int(),
  max_running_jobs: z.number().int(),
  max_tracked_jobs: z.number().int(),
  mac_prefix: z.string(),
  master_netdev: z.string(),
  master_netmask: z.number().int(),
  file_storage_dir: z.string(),
  shared_file_storage_dir: z.string(),
  gluster_storage_dir: z.string(),
  /** Folders in which the nodes look for OS definitions. */
  os_search_path: z.array(z.string()),
  default_iallocator: z.string(),
  default_iallocator_params: z.record(z.string(), z.unknown()),
  hidden_os: z.array(z.string()),
  blacklisted_os: z.array(z.string()),
  prealloc_wipe_disks: z.boolean(),
  maintain_node_health: z.boolean(),
  tags: z.array(z.string()),
});
export type Cluster = z.infer<typeof Cluster>;
