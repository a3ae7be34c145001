import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeTarget } from '../locking.ts';

export const nodeRemove = defineOpcode({
  id: 'OP_NODE_REMOVE',
  summary: 'Removes a node without instances from the cluster.',
  params: nodeTarget,
  result: z.null(),
  summaryField: 'node_name',
  // All nodes, since another one may become a master candidate instead of it.
  locks: () => [clusterShared, { level: 'node', names: ALL, mode: 'exclusive' }],
  example: { node_name: 'node4.example.com' },
});
