import * as z from 'zod';
import { kinds, maybe, oneOf, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceShutdown = defineOpcode({
  id: 'OP_INSTANCE_SHUTDOWN',
  summary: 'Asks an instance to shut down, and ends it when it does not in time.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force: shared.force,
    ignore_offline_nodes: shared.ignoreOfflineNodes,
    timeout: optional(kinds.count, 120, 'Seconds that the guest has.'),
    no_remember: shared.noRemember,
    admin_state_source: optional(maybe(oneOf(['admin', 'user'])), null, 'Who decided it.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', timeout: 60 },
});
