import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeLock, nodeTarget } from '../locking.ts';

/** The flags of a request that determine a node's role; null leaves one unchanged. */
export interface RoleWish {
  master_candidate: boolean | null;
  offline: boolean | null;
  drained: boolean | null;
  master_capable: boolean | null;
}

/** Whether the request may end the node's role as a master candidate, so that another node is promoted. */
export function mayDemote(wish: RoleWish): boolean {
  return wish.master_candidate === false || wish.master_capable === false || !!wish.offline || !!wish.drained;
}

export const nodeSetParams = defineOpcode({
  id: 'OP_NODE_SET_PARAMS',
  summary:
    'Changes the role of a node (candidate, regular, drained, offline), its capabilities or its parameters.',
  params: {
    ...nodeTarget,
    force: shared.force,
    hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of the node may use.'),
    disk_state: optional(maybe(kinds.dict), null, 'What disk space of the node may be used.'),
    master_candidate: optional(maybe(kinds.bool), null, 'Whether it is a master candidate.'),
    offline: optional(
      maybe(kinds.bool),
      null,
      'Whether it is offline: the master does not contact it, and its instances count as lost.',
    ),
    drained: optional(maybe(kinds.bool), null, 'Whether it takes no new instances.'),
    auto_promote: optional(
      kinds.bool,
      false,
      'Promote another node to master candidate if this one ceases to be one.',
    ),
    master_capable: optional(maybe(kinds.bool), null, 'Whether it may become the master.'),
    vm_capable: optional(maybe(kinds.bool), null, 'Whether it may have instances.'),
    secondary_ip: optional(maybe(kinds.name), null, 'Its address for replication.'),
    ndparams: optional(
      maybe(kinds.dict),
      null,
      'Its own node parameters; "default" removes one, and those that are not named stay.',
    ),
    powered: optional(maybe(kinds.bool), null, 'Whether it is powered on; Merapi cannot know.'),
  },
  result: z.array(z.tuple([z.string(), z.unknown()])),
  summaryField: 'node_name',
  // All nodes if another one may be promoted to master candidate.
  locks: (params, view) => [
    clusterShared,
    {
      level: 'node',
      names: params.auto_promote && mayDemote(params) ? ALL : [nodeLock(view, params.node_name)],
      mode: 'exclusive',
    },
  ],
  example: { node_name: 'node3.example.com', drained: true },
});
