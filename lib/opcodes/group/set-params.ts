import { allocPolicies } from '../../model/nodegroup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { changesResult } from '../kinds.ts';
import { clusterShared, groupLock } from '../locking.ts';
import { groupParams } from './params.ts';

export const groupSetParams = defineOpcode({
  id: 'OP_GROUP_SET_PARAMS',
  summary: 'Changes the parameters of a node group; "default" makes it inherit one from the cluster again.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    alloc_policy: optional(maybe(oneOf(allocPolicies)), null, 'Whether the allocator may use it.'),
    ...groupParams,
  },
  result: changesResult,
  summaryField: 'group_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'nodegroup', names: [groupLock(view, params.group_name)], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2', alloc_policy: 'unallocable' },
});
