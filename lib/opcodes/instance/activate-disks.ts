import * as z from 'zod';
import { kinds, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { instancePlan } from '../locking.ts';

export const instanceActivateDisks = defineOpcode({
  id: 'OP_INSTANCE_ACTIVATE_DISKS',
  summary: 'Activates the disks of an instance on its node, and returns their devices there.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    ignore_size: optional(kinds.bool, false, 'Accept disks whose size differs from the recorded one.'),
    wait_for_sync: optional(kinds.bool, false, 'Wait until mirrored disks are in sync.'),
  },
  result: z.array(z.tuple([z.string().min(1), z.string().min(1), z.string().min(1).nullable()])),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'exclusive'),
  example: { instance_name: 'web1.example.com' },
});
