import * as z from 'zod';
import { kinds, maybe, oneOf, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { moveParams, movePlan } from './move-params.ts';

export const instanceMigrate = defineOpcode({
  id: 'OP_INSTANCE_MIGRATE',
  summary: 'Moves a running instance to another node that has its disks too, without stopping it.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    ...moveParams,
    mode: optional(
      maybe(oneOf(['non-live', 'live'])),
      null,
      'Whether it keeps running meanwhile; by default as its hypervisor parameter migration_mode says.',
    ),
    live: optional(maybe(kinds.bool), null, 'The old form of mode.'),
    allow_runtime_changes: optional(
      kinds.bool,
      true,
      'Reduce the memory of the instance, down to its minmem, if the new node has less.',
    ),
    allow_failover: optional(kinds.bool, false, 'Fail it over if it does not run.'),
    ignore_hvversions: optional(
      kinds.bool,
      false,
      'Do it even when the hypervisors have different versions.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  locks: movePlan,
  example: { instance_name: 'web1.example.com', target_node: 'node2.example.com' },
});
