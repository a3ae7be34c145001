import * as z from 'zod';
import { kinds, oneOf, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceReboot = defineOpcode({
  id: 'OP_INSTANCE_REBOOT',
  summary: 'Restarts an instance; one that does not run is started.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    shutdown_timeout: shared.shutdownTimeout,
    ignore_secondaries: optional(
      kinds.bool,
      false,
      'Start it even when its disks are degraded on other nodes.',
    ),
    reboot_type: required(
      oneOf(['soft', 'full', 'hard']),
      'Within its process (soft), with a new process (hard), or with a new process and its disks activated again (full).',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'shared'),
  example: { instance_name: 'web1.example.com', reboot_type: 'hard' },
});
