import * as z from 'zod';
import { kinds, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock } from '../locking.ts';

export const groupRemove = defineOpcode({
  id: 'OP_GROUP_REMOVE',
  summary: 'Removes a node group that has no nodes and is not the last one.',
  params: { group_name: required(kinds.name, 'The name of the group.') },
  result: z.null(),
  summaryField: 'group_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'nodegroup', names: [groupLock(view, params.group_name)], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2' },
});
