import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { type Kind, kinds, lines, maybe, oneOf, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

const targetKind: Kind<z.ZodType<string | unknown[]>> = {
  lines: true,
  type: 'NonEmptyString or List',
  schema: z.union([z.string().min(1), z.array(z.unknown())]),
};

export const backupExport = defineOpcode({
  id: 'OP_BACKUP_EXPORT',
  summary: 'Exports an instance: to the folder of a node of this cluster, or to another cluster.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    compress: optional(
      kinds.text,
      'none',
      'How the data is compressed during the transfer: none, gzip, gzip-fast or gzip-slow.',
    ),
    shutdown_timeout: shared.shutdownTimeout,
    target_node: required(
      targetKind,
      'The node; in remote mode the list of disks from the log of the import in the other cluster.',
    ),
    target_node_uuid: optional(maybe(kinds.name), null, 'The node, by uuid; filled in.'),
    shutdown: optional(
      kinds.bool,
      true,
      'Shut the instance down, so that the data on its disks is consistent.',
    ),
    remove_instance: optional(kinds.bool, false, 'Remove the instance after the export.'),
    ignore_remove_failures: optional(kinds.bool, false, 'Continue the removal after failures.'),
    mode: optional(oneOf(['local', 'remote']), 'local', 'To a node of this cluster, or to another cluster.'),
    x509_key_name: optional(
      maybe(lines(kinds.list)),
      null,
      'In remote mode: the name of the key, from the result of the preparation.',
    ),
    destination_x509_ca: optional(
      maybe(lines(kinds.name)),
      null,
      'In remote mode: the certificate of the other cluster, from the log of its import.',
    ),
    zero_free_space: optional(
      kinds.bool,
      false,
      'Not supported: Ganeti fills free space with zeros with it.',
    ),
    zeroing_timeout_fixed: optional(
      maybe(kinds.integer),
      null,
      'For zero_free_space: seconds that it may take.',
    ),
    zeroing_timeout_per_mib: optional(
      maybe(kinds.float),
      null,
      'For zero_free_space: additional seconds for each MiB of the disks.',
    ),
    long_sleep: optional(
      kinds.bool,
      false,
      'Keep the instance down until all data is exported, and copy nothing before.',
    ),
  },
  result: z.tuple([z.boolean(), z.array(z.boolean())]),
  summaryField: 'instance_name',
  locks: (params, view) => {
    if (params.mode === 'remote') return instancePlan(view, params.instance_name, 'shared');
    // Older exports of the instance, which this one replaces, may be on any node: nobody may read them while they are removed.
    return [...instancePlan(view, params.instance_name, null), { level: 'node', names: ALL, mode: 'shared' }];
  },
  example: { instance_name: 'web1.example.com', target_node: 'node2.example.com' },
});
