import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeTarget } from '../locking.ts';

export const nodeRemove = defineOpcode({
  id: 'OP_NODE_REMOVE',
  summary: 'Takes a node without instances out of the cluster.',
  params: nodeTarget,
  result: z.null(),
  summaryField: 'node_name',
  // All nodes: another one may become a master candidate in its place.
  locks: () => [clusterShared, { level: 'node', names: ALL, mode: 'exclusive' }],
  example: { node_name: 'node4.example.com' },
});
