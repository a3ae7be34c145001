import * as z from 'zod';
import { hostNamed } from '../../model/lookup.ts';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { jobsResult } from '../kinds.ts';
import { clusterShared } from '../locking.ts';

export const nodeMigrate = defineOpcode({
  id: 'OP_NODE_MIGRATE',
  summary: 'Submits a job for each primary instance of a node, to migrate it to another node.',
  params: {
    node_name: required(kinds.name, 'The name of the node.'),
    node_uuid: optional(maybe(kinds.name), null, 'The uuid of the node; filled in.'),
    mode: optional(maybe(oneOf(['non-live', 'live'])), null, 'Whether they keep running meanwhile.'),
    live: optional(maybe(kinds.bool), null, 'The old form of mode.'),
    target_node: optional(maybe(kinds.name), null, 'The new node, if the disk template allows a choice.'),
    target_node_uuid: optional(maybe(kinds.name), null, 'The new node by uuid; filled in.'),
    allow_runtime_changes: optional(
      kinds.bool,
      true,
      'Reduce the memory of instances, down to their minmem, if the new node has less.',
    ),
    ignore_ipolicy: optional(kinds.bool, false, 'Do it even when this violates the instance policy.'),
    iallocator: optional(maybe(kinds.name), null, 'The allocator that chooses the new nodes.'),
  },
  result: z.object({ jobs: jobsResult }),
  summaryField: 'node_name',
  // Shared: the jobs that it submits lock what they change.
  locks: (params, view) => [
    clusterShared,
    {
      level: 'node',
      names: [hostNamed(view.nodes, params.node_name)?.name ?? params.node_name.toLowerCase()],
      mode: 'shared',
    },
  ],
  example: { node_name: 'node1.example.com', mode: 'live' },
});
