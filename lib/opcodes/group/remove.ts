import { z } from 'zod';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { kinds, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';

export const groupRemove = defineOpcode({
  id: 'OP_GROUP_REMOVE',
  summary: 'Removes a node group that has no nodes and is not the last one.',
  params: { group_name: required(kinds.name, 'The name of the group.') },
  result: z.null(),
  summaryField: 'group_name',
  locks: (params) => [
    { level: 'cluster', names: [CLUSTER_LOCK], mode: 'shared' },
    { level: 'nodegroup', names: [params.group_name], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2' },
});
