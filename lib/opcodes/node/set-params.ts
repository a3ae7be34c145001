import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { kinds, maybe, optional, shared } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeLock, nodeTarget } from '../locking.ts';

/** What a request may set of a node's role. */
export interface RoleWish {
  master_candidate: boolean | null;
  offline: boolean | null;
  drained: boolean | null;
  master_capable: boolean | null;
}

/** Whether it may take the role of a master candidate from the node. */
export function mayDemote(wish: RoleWish): boolean {
  return wish.master_candidate === false || wish.master_capable === false || !!wish.offline || !!wish.drained;
}

export const nodeSetParams = defineOpcode({
  id: 'OP_NODE_SET_PARAMS',
  summary: 'Changes a node: its role (candidate, regular, drained, offline), what it may be, its parameters.',
  params: {
    ...nodeTarget,
    force: shared.force,
    hv_state: optional(maybe(kinds.dict), null, 'What the hypervisors of the node may use.'),
    disk_state: optional(maybe(kinds.dict), null, 'What disk space of the node may be used.'),
    master_candidate: optional(maybe(kinds.bool), null, 'Whether it is a master candidate.'),
    offline: optional(
      maybe(kinds.bool),
      null,
      'Whether it is offline: nothing is asked of it, and its instances count as lost.',
    ),
    drained: optional(maybe(kinds.bool), null, 'Whether it takes no new instances.'),
    auto_promote: optional(
      kinds.bool,
      false,
      'Let other nodes become master candidates where this one ceases to be one.',
    ),
    master_capable: optional(maybe(kinds.bool), null, 'Whether it may become the master.'),
    vm_capable: optional(maybe(kinds.bool), null, 'Whether it may hold instances.'),
    secondary_ip: optional(maybe(kinds.name), null, 'Its address for replication.'),
    ndparams: optional(
      maybe(kinds.dict),
      null,
      'Its own node parameters; "default" takes one away, those not named stay.',
    ),
    powered: optional(maybe(kinds.bool), null, 'Whether it is switched on; Merapi has no way to know.'),
  },
  result: z.array(z.tuple([z.string(), z.unknown()])),
  summaryField: 'node_name',
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
