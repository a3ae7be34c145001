import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const backupRemove = defineOpcode({
  id: 'OP_BACKUP_REMOVE',
  summary: 'Removes the exports of an instance from all nodes, also after the instance has been removed.',
  params: { instance_name: shared.instanceName, instance_uuid: shared.instanceUuid },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => [
    ...instancePlan(view, params.instance_name, null),
    { level: 'node', names: ALL, mode: 'shared' },
  ],
  example: { instance_name: 'web1.example.com' },
});
