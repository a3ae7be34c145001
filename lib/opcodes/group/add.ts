import * as z from 'zod';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { allocPolicies } from '../../model/nodegroup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { groupParams } from './params.ts';

export const groupAdd = defineOpcode({
  id: 'OP_GROUP_ADD',
  summary: 'Adds a node group without nodes.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    alloc_policy: optional(
      maybe(oneOf(allocPolicies)),
      null,
      'Whether the allocator may use it; by default preferred.',
    ),
    ...groupParams,
  },
  result: z.object({ jobs: z.array(z.tuple([z.boolean(), z.union([z.string(), z.number()])])) }).nullable(),
  summaryField: 'group_name',
  makes: 'group',
  // The lock of the new name keeps two jobs from adding the same group.
  locks: (params) => [
    { level: 'cluster', names: [CLUSTER_LOCK], mode: 'shared' },
    { level: 'nodegroup', names: [params.group_name], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2', alloc_policy: 'last_resort' },
});
