import { allocPolicies } from '../../model/nodegroup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { changesResult, diskParamsKind } from '../kinds.ts';
import { clusterShared, groupLock } from '../locking.ts';

export const groupSetParams = defineOpcode({
  id: 'OP_GROUP_SET_PARAMS',
  summary: 'Changes the parameters of a node group; "default" gives one back to the cluster.',
  params: {
    group_name: required(kinds.name, 'The name of the group.'),
    alloc_policy: optional(maybe(oneOf(allocPolicies)), null, 'Whether the allocator may use it.'),
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
  result: changesResult,
  summaryField: 'group_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'nodegroup', names: [groupLock(view, params.group_name)], mode: 'exclusive' },
  ],
  example: { group_name: 'rack2', alloc_policy: 'unallocable' },
});
