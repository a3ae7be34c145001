import * as z from 'zod';
import { hypervisors } from '../../model/hvparams/index.ts';
import { ALL } from '../../model/locks.ts';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, lines, maybe, oneOf, optional, required, secret } from '../../model/params.ts';
import { diskTemplates, isMirrored } from '../../model/templates/index.ts';
import { defineOpcode } from '../define.ts';
import { disksKind, nicsKind } from '../kinds.ts';
import { clusterShared, networksShared, newNameLock } from '../locking.ts';

const fileDrivers = ['blktap', 'blktap2', 'loop'] as const;

export const instanceCreate = defineOpcode({
  id: 'OP_INSTANCE_CREATE',
  summary: 'Creates an instance: chooses its node, creates its disks, installs its OS and starts it.',
  params: {
    instance_name: required(kinds.text, 'The name of the instance.'),
    force_variant: optional(kinds.bool, false, 'Accept an OS variant that the definition does not list.'),
    wait_for_sync: optional(kinds.bool, true, 'Wait until mirrored disks are in sync.'),
    name_check: optional(
      kinds.bool,
      true,
      'Ganeti resolves the name in the DNS with this; Merapi takes the name as it is.',
    ),
    ignore_ipolicy: optional(kinds.bool, false, 'Create it even when it violates the instance policy.'),
    opportunistic_locking: optional(kinds.bool, false, 'Accepted for old clients; it changes nothing.'),
    beparams: optional(kinds.dict, {}, 'Backend parameters.'),
    disks: required(disksKind, 'The disks, each with a size in MiB or a text such as "20G".'),
    disk_template: optional(maybe(oneOf(diskTemplates)), null, 'How the disks are stored.'),
    group_name: optional(maybe(kinds.name), null, 'The node group that the allocator may use.'),
    file_driver: optional(maybe(oneOf(fileDrivers)), null, 'The driver of disks that are files.'),
    file_storage_dir: optional(maybe(kinds.name), null, 'A folder below the storage folder.'),
    hvparams: optional(kinds.dict, {}, 'Hypervisor parameters.'),
    hypervisor: optional(
      maybe(oneOf(hypervisors)),
      null,
      "The hypervisor; by default the cluster's first one.",
    ),
    iallocator: optional(
      maybe(kinds.name),
      null,
      'The allocator that chooses the node when pnode is not given.',
    ),
    identify_defaults: optional(kinds.bool, false, 'Do not store values that equal the defaults.'),
    ip_check: optional(kinds.bool, true, 'Ganeti pings the address with this; Merapi does not.'),
    conflicts_check: optional(
      kinds.bool,
      true,
      'Refuse an address that a network of the node group contains.',
    ),
    mode: required(oneOf(['create', 'import', 'remote-import']), 'Where the data comes from.'),
    nics: required(nicsKind, 'The network interfaces.'),
    no_install: optional(maybe(kinds.bool), null, 'Do not run the create script of the OS.'),
    osparams: optional(kinds.osParams, {}, 'OS parameters.'),
    osparams_private: secret(
      optional(maybe(kinds.privateDict), null, 'OS parameters that are stored but never shown.'),
    ),
    osparams_secret: secret(
      optional(maybe(kinds.privateDict), null, 'OS parameters that are neither stored nor shown.'),
    ),
    os_type: optional(maybe(kinds.name), null, 'The OS definition, with +VARIANT where it has variants.'),
    pnode: optional(maybe(kinds.name), null, 'The primary node.'),
    pnode_uuid: optional(maybe(kinds.name), null, 'The primary node, by uuid.'),
    snode: optional(maybe(kinds.name), null, 'The secondary node; only mirrored disk templates have one.'),
    snode_uuid: optional(maybe(kinds.name), null, 'The secondary node, by uuid.'),
    source_handshake: optional(
      maybe(lines(kinds.list)),
      null,
      'For remote-import: the handshake with the sending cluster.',
    ),
    source_instance_name: optional(maybe(kinds.name), null, 'For remote-import: its name there.'),
    source_shutdown_timeout: optional(
      kinds.count,
      120,
      'For remote-import: seconds that the guest has to shut down.',
    ),
    source_x509_ca: optional(
      maybe(lines(kinds.name)),
      null,
      'For remote-import: the certificate of the sending cluster.',
    ),
    src_node: optional(maybe(kinds.name), null, 'For import: the node that has the export.'),
    src_node_uuid: optional(maybe(kinds.name), null, 'For import: that node, by uuid.'),
    src_path: optional(maybe(kinds.name), null, 'For import: the folder of the export.'),
    compress: optional(kinds.text, 'none', 'For imports: how the data is compressed during the transfer.'),
    start: optional(kinds.bool, true, 'Start it after it is created.'),
    forthcoming: optional(kinds.bool, false, 'Only reserve its resources.'),
    commit: optional(kinds.bool, false, 'Create an instance that was forthcoming.'),
    tags: optional(kinds.names, [], 'Its tags.'),
    instance_communication: optional(kinds.bool, false, 'Give it a NIC for communication with its node.'),
    helper_startup_timeout: optional(
      maybe(kinds.integer),
      null,
      'Seconds that a helper machine has to start.',
    ),
    helper_shutdown_timeout: optional(
      maybe(kinds.integer),
      null,
      'Seconds that a helper machine has to shut down.',
    ),
  },
  result: z.array(z.string().min(1)),
  summaryField: 'instance_name',
  makes: 'instance',
  locks: (params, view) => {
    const name = newNameLock(params.instance_name);
    const given = [params.pnode, isMirrored(params.disk_template) ? params.snode : null, params.src_node];
    // Nodes that are not known yet: of the export that is imported, and of a secondary node that only the export may need.
    const isOpen = params.mode === 'import' && (params.src_node === null || params.snode !== null);
    const nodes = given.flatMap((each) =>
      each === null ? [] : [hostNamed(view.nodes, each)?.name ?? each.toLowerCase()],
    );
    return [
      clusterShared,
      { level: 'instance', names: [name], mode: 'exclusive' },
      // Without a given node the allocator chooses among all, and no other job may use up the resources that it counts on.
      params.pnode && !isOpen
        ? { level: 'node', names: [...new Set(nodes)], mode: 'exclusive' }
        : { level: 'node', names: ALL, mode: 'exclusive' },
      ...networksShared(
        view,
        params.nics.map(({ network }) => network),
      ),
    ];
  },
  example: {
    instance_name: 'web1.example.com',
    mode: 'create',
    disk_template: 'file',
    disks: [{ size: 1024 }],
    nics: [{}],
    os_type: 'demo',
    beparams: { maxmem: 256, minmem: 256 },
  },
});
