import * as z from 'zod';
import { kinds, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceDeactivateDisks = defineOpcode({
  id: 'OP_INSTANCE_DEACTIVATE_DISKS',
  summary: 'Deactivates the disks of an instance that does not run.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    force: optional(kinds.bool, false, 'Do it even when the instance runs.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'exclusive'),
  example: { instance_name: 'web1.example.com' },
});
