import * as z from 'zod';
import { kinds, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock } from '../locking.ts';

export const groupRename = defineOpcode({
  id: 'OP_GROUP_RENAME',
  summary: 'Renames a node group.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    new_name: required(kinds.name, 'Its new name.'),
  },
  result: z.string().min(1),
  summaryField: null,
  // The lock of the new name keeps two groups from getting the same name.
  locks: (params, view) => [
    clusterShared,
    {
      level: 'nodegroup',
      names: [...new Set([groupLock(view, params.group_name), params.new_name])],
      mode: 'exclusive',
    },
  ],
  example: { group_name: 'rack2', new_name: 'rack3' },
});
