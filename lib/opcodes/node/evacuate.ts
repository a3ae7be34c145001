import * as z from 'zod';
import { kinds, maybe, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { jobsResult } from '../kinds.ts';
import { leaving } from '../leaving.ts';
import { clusterShared, nodeLock, nodeTarget } from '../locking.ts';

export const nodeEvacuate = defineOpcode({
  id: 'OP_NODE_EVACUATE',
  summary:
    'Submits a job for each instance that has a node as its primary or secondary one, to move it away.',
  params: {
    ...nodeTarget,
    ...leaving,
    remote_node: optional(maybe(kinds.name), null, 'The new secondary node.'),
    remote_node_uuid: optional(maybe(kinds.name), null, 'The new secondary node by uuid; filled in.'),
    mode: required(oneOf(['secondary-only', 'primary-only', 'all']), 'Which instances: one kind at a time.'),
    ignore_soft_errors: optional(maybe(kinds.bool), null, 'Skip instances that cannot be moved.'),
  },
  result: z.object({ jobs: jobsResult }),
  summaryField: 'node_name',
  // Shared: the opcode only chooses nodes; the jobs that it submits lock what they change.
  locks: (params, view) => [
    clusterShared,
    { level: 'node', names: [nodeLock(view, params.node_name)], mode: 'shared' },
  ],
  example: { node_name: 'node1.example.com', mode: 'secondary-only', iallocator: 'hail' },
});
