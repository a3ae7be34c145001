import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { jobsResult } from '../kinds.ts';
import { leaving } from '../leaving.ts';
import { instancePlan } from '../locking.ts';

export const instanceChangeGroup = defineOpcode({
  id: 'OP_INSTANCE_CHANGE_GROUP',
  summary: 'Finds nodes of another node group for an instance, and submits the job that moves it there.',
  params: {
    instance_name: shared.instanceName,
    instance_uuid: shared.instanceUuid,
    ...leaving,
    target_groups: optional(
      maybe(kinds.names),
      null,
      'The groups that it may go to; by default all others that take instances.',
    ),
  },
  result: z.object({ jobs: jobsResult }),
  summaryField: 'instance_name',
  // Shared: the opcode only chooses nodes; the job that it submits locks what it changes.
  locks: (params, view) => [
    ...instancePlan(view, params.instance_name, null).map((wish) => ({ ...wish, mode: 'shared' as const })),
    { level: 'nodegroup', names: ALL, mode: 'shared' },
    { level: 'node', names: ALL, mode: 'shared' },
  ],
  example: { instance_name: 'web1.example.com', target_groups: ['rack2'] },
});
