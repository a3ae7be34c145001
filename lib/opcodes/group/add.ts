import { z } from 'zod';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { allocPolicies } from '../../model/nodegroup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { diskParamsKind } from '../kinds.ts';

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
    ndparams: optional(maybe(kinds.dict), null, 'Node parameters for its nodes.'),
    diskparams: optional(maybe(diskParamsKind), null, 'Disk parameters by disk template.'),
    hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of its nodes may use.'),
    disk_state: optional(maybe(kinds.dict), null, 'What disk space of its nodes may be used.'),
    ipolicy: optional(
      maybe(kinds.dict),
      null,
      'What of the instance policy differs from that of the cluster.',
    ),
  },
  result: z.object({ jobs: z.array(z.tuple([z.boolean(), z.union([z.string(), z.number()])])) }).nullable(),
  summaryField: 'group_name',
  locks: (params) => [
    { level: 'cluster', names: [CLUSTER_LOCK], mode: 'shared' },
    { level: 'nodegroup', names: [params.group_name], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2', alloc_policy: 'last_resort' },
});
