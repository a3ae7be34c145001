import * as z from 'zod';
import { kinds, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceRemove = defineOpcode({
  id: 'OP_INSTANCE_REMOVE',
  summary: 'Shuts an instance down and removes it with its disks.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    shutdown_timeout: shared.shutdownTimeout,
    ignore_failures: optional(
      kinds.bool,
      false,
      'Remove it from the cluster even when its node does not answer.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'exclusive'),
  example: { instance_name: 'web1.example.com', shutdown_timeout: 30 },
});
