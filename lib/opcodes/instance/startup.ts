import * as z from 'zod';
import { kinds, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceStartup = defineOpcode({
  id: 'OP_INSTANCE_STARTUP',
  summary: 'Starts an instance; one that runs is left as it is.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force: shared.force,
    ignore_offline_nodes: shared.ignoreOfflineNodes,
    hvparams: optional(kinds.dict, {}, 'Hypervisor parameters for this start only.'),
    beparams: optional(kinds.dict, {}, 'Backend parameters for this start only.'),
    no_remember: shared.noRemember,
    startup_paused: optional(kinds.bool, false, 'Leave it paused.'),
    shutdown_timeout: shared.shutdownTimeout,
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com' },
});
