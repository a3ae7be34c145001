// The format of a cluster file, and the objects that it describes. Only the master node becomes an object here: other nodes join by jobs
// (init.ts), which check them.
import * as z from 'zod';
import type { World } from '../base/world.ts';
import { type BeParams, beParamDefaults, beParamKinds } from '../model/beparams.ts';
import { Cluster, MAC_PREFIX } from '../model/cluster.ts';
import { diskParamDefaults } from '../model/diskparams/index.ts';
import { checkBeParams, checkHvForms, ownValues } from '../model/given-params.ts';
import { templateKinds } from '../model/group-params.ts';
import { hypervisorParams, hypervisors } from '../model/hvparams/index.ts';
import { IPolicy, ipolicyDefaults } from '../model/ipolicy.ts';
import { hostName } from '../model/names.ts';
import { ndParamDefaults, ndParamKinds } from '../model/ndparams.ts';
import { NicParams, nicParamDefaults } from '../model/nic.ts';
import type { Node } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';
import { newObject } from '../model/object.ts';
import { diskTemplates } from '../model/templates/index.ts';

/** A set of parameters; clusterOf() checks their names and types. */
const values = z.record(z.string(), z.unknown());
/** A host name in its normal form. */
const name = z.string().transform((text, context) => {
  try {
    return hostName(text);
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'a host name of letters, digits and hyphens, e.g. node1.example.com',
    });
    return z.NEVER;
  }
});

/** A cluster to create: the format of a cluster file (docs/cluster-file.md). Omitted parameters have Ganeti's defaults. */
export const ClusterSpec = z.strictObject({
  name,
  /** The name of the master node; by default the first of the nodes. */
  master: name.optional(),
  master_netdev: z.string().default('xen-br0'),
  mac_prefix: z
    .string()
    .regex(MAC_PREFIX, 'three bytes such as aa:00:00, the first of them even')
    .default('aa:00:00'),
  enabled_hypervisors: z.array(z.enum(hypervisors)).min(1),
  enabled_disk_templates: z.array(z.enum(diskTemplates)).min(1),
  file_storage_dir: z.string().default('file-storage'),
  shared_file_storage_dir: z.string().default('shared-file-storage'),
  os_search_path: z.array(z.string()).default([]),
  iallocator_search_path: z.array(z.string()).default([]),
  default_iallocator: z.string().default('hail'),
  nicparams: NicParams.partial().strict().default({}),
  beparams: values.default({}),
  hvparams: z.partialRecord(z.enum(hypervisors), values).default({}),
  ipolicy: IPolicy.partial().strict().default({}),
  ndparams: values.default({}),
  diskparams: z.partialRecord(z.enum(diskTemplates), values).default({}),
  osparams: z.record(z.string(), values).default({}),
  vg_name: z.string().min(1).nullable().default(null),
  drbd_helper: z.string().min(1).nullable().default(null),
  candidate_pool_size: z.number().int().min(1).default(10),
  max_running_jobs: z.number().int().min(1).default(20),
  max_tracked_jobs: z.number().int().min(1).default(25),
  nodes: z
    .array(
      z.strictObject({ name, primary_ip: z.union([z.ipv4(), z.ipv6()], 'an IP address, e.g. 198.51.100.1') }),
    )
    .min(1),
});
/** A checked cluster file, with its defaults filled in. */
export type ClusterSpec = z.infer<typeof ClusterSpec>;

/** The first objects of a cluster: the cluster itself, its first node group and its master node. */
export interface FirstObjects {
  cluster: Cluster;
  group: NodeGroup;
  master: Node;
}

/**
 * The objects that a new cluster starts with; nothing is stored.
 * @throws MerapiError type_enforcement, wrong_input for parameters with a wrong name, type or value
 */
export function firstObjects(spec: ClusterSpec, { clock, random }: World): FirstObjects {
  const now = clock.seconds();
  const head = () => newObject(random.uuid(), now);
  const group: NodeGroup = {
    ...head(),
    ctime: 0, // in Ganeti, the first group has no creation time
    name: 'default',
    alloc_policy: 'preferred',
    ndparams: {},
    diskparams: {},
    ipolicy: {},
    networks: {},
    tags: [],
  };
  const masterName = spec.master ?? spec.nodes[0]?.name;
  const first = spec.nodes.find((node) => node.name === masterName) ?? spec.nodes[0];
  const master: Node = {
    ...head(),
    name: first?.name ?? '',
    group: group.uuid,
    primary_ip: first?.primary_ip ?? '',
    secondary_ip: first?.primary_ip ?? '',
    master_candidate: true,
    offline: false,
    drained: false,
    master_capable: true,
    vm_capable: true,
    ndparams: {},
    tags: [],
  };
  return { cluster: clusterOf(spec, head(), master), group, master };
}

/** The cluster object: Ganeti's defaults, overridden by the given parameters. @throws MerapiError type_enforcement, wrong_input */
function clusterOf(spec: ClusterSpec, head: ReturnType<typeof newObject>, master: Node): Cluster {
  const hvparams = Object.fromEntries(
    hypervisors.map((hypervisor) => {
      const { kinds, defaults } = hypervisorParams[hypervisor];
      const own = ownValues(spec.hvparams[hypervisor] ?? {}, kinds);
      checkHvForms(hypervisor, own);
      return [hypervisor, { ...defaults, ...own }];
    }),
  );
  const diskparams = Object.fromEntries(
    diskTemplates.map((template) => [
      template,
      {
        ...diskParamDefaults[template],
        ...ownValues(spec.diskparams[template] ?? {}, templateKinds(template)),
      },
    ]),
  );
  const beparams = { ...beParamDefaults, ...(ownValues(spec.beparams, beParamKinds) as Partial<BeParams>) };
  checkBeParams(beparams);
  return Cluster.parse({
    ...head,
    name: spec.name,
    master_node: master.uuid,
    enabled_hypervisors: spec.enabled_hypervisors,
    enabled_disk_templates: spec.enabled_disk_templates,
    hvparams,
    os_hvp: {},
    beparams,
    nicparams: { ...nicParamDefaults, ...spec.nicparams },
    ndparams: { ...ndParamDefaults, ...ownValues(spec.ndparams, ndParamKinds) },
    osparams: spec.osparams,
    diskparams,
    ipolicy: { ...ipolicyDefaults, 'disk-templates': spec.enabled_disk_templates, ...spec.ipolicy },
    candidate_pool_size: spec.candidate_pool_size,
    max_running_jobs: spec.max_running_jobs,
    max_tracked_jobs: spec.max_tracked_jobs,
    vg_name: spec.vg_name,
    drbd_helper: spec.drbd_helper,
    mac_prefix: spec.mac_prefix.toLowerCase(),
    master_netdev: spec.master_netdev,
    master_netmask: 32,
    file_storage_dir: spec.file_storage_dir,
    shared_file_storage_dir: spec.shared_file_storage_dir,
    gluster_storage_dir: '/var/run/ganeti/gluster',
    os_search_path: spec.os_search_path,
    iallocator_search_path: spec.iallocator_search_path,
    default_iallocator: spec.default_iallocator,
    default_iallocator_params: {},
    hidden_os: [],
    blacklisted_os: [],
    prealloc_wipe_disks: false,
    maintain_node_health: false,
    tags: [],
  });
}
