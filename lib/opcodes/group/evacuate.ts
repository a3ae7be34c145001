import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { jobsResult } from '../kinds.ts';
import { leaving } from '../leaving.ts';
import { clusterShared } from '../locking.ts';

export const groupEvacuate = defineOpcode({
  id: 'OP_GROUP_EVACUATE',
  summary: 'Finds nodes of other groups for all instances of a node group, and submits a job for each.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    ...leaving,
    target_groups: optional(
      maybe(kinds.names),
      null,
      'The groups that they may go to; by default all others that take instances.',
    ),
    sequential: optional(kinds.bool, false, 'Start each job only after the one before it has ended.'),
    force_failover: optional(kinds.bool, false, 'Fail instances over even if they could be migrated.'),
  },
  result: z.object({ jobs: jobsResult }),
  summaryField: 'group_name',
  // Shared: the opcode only chooses nodes; the jobs that it submits lock what they change.
  locks: () => [
    clusterShared,
    { level: 'nodegroup', names: ALL, mode: 'shared' },
    { level: 'node', names: ALL, mode: 'shared' },
  ],
  example: { group_name: 'rack1', target_groups: ['rack2'] },
});
