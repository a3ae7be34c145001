import * as z from 'zod';
import { kinds, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { moveParams, movePlan } from './move-params.ts';

export const instanceFailover = defineOpcode({
  id: 'OP_INSTANCE_FAILOVER',
  summary: 'Stops an instance and starts it on another node that has its disks too.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    ...moveParams,
    shutdown_timeout: shared.shutdownTimeout,
    ignore_consistency: optional(
      kinds.bool,
      false,
      'Do it even when the disks on the new node are not up to date, or the old node does not answer.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: movePlan,
  example: { instance_name: 'web1.example.com', target_node: 'node2.example.com' },
});
