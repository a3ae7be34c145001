import * as z from 'zod';
import { oneOf, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const backupPrepare = defineOpcode({
  id: 'OP_BACKUP_PREPARE',
  summary:
    'Prepares an export; for another cluster it makes the key and certificate by which the clusters authenticate each other.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    mode: required(oneOf(['local', 'remote']), 'To a node of this cluster, or to another cluster.'),
  },
  result: z.record(z.string(), z.unknown()).nullable(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', mode: 'remote' },
});
