import * as z from 'zod';
import { kinds, maybe, oneOf, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceShutdown = defineOpcode({
  id: 'OP_INSTANCE_SHUTDOWN',
  summary: 'Shuts an instance down, and stops it hard if it does not shut down in time.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force: shared.force,
    ignore_offline_nodes: shared.ignoreOfflineNodes,
    timeout: optional(kinds.count, 120, 'Seconds that the guest has to shut down.'),
    no_remember: shared.noRemember,
    admin_state_source: optional(
      maybe(oneOf(['admin', 'user'])),
      null,
      'Who shut it down: an administrator, or the user of the guest.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', timeout: 60 },
});
