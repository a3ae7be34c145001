import * as z from 'zod';
import { kinds, optional, required, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { amountKind, diskIndexKind } from '../kinds.ts';
import { instancePlan } from '../locking.ts';

export const instanceGrowDisk = defineOpcode({
  id: 'OP_INSTANCE_GROW_DISK',
  summary: 'Grows a disk; a running guest sees the new size at once if its hypervisor supports it.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    wait_for_sync: optional(kinds.bool, true, 'Wait until mirrored disks are in sync.'),
    disk: required(diskIndexKind, 'The number of the disk.'),
    amount: required(amountKind, 'By how much, in MiB or as a text such as "20G".'),
    absolute: optional(kinds.bool, false, 'The amount is the new size of the disk.'),
    ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: (params, view) => instancePlan(view, params.instance_name, 'exclusive'),
  example: { instance_name: 'web1.example.com', disk: 0, amount: 1024 },
});
