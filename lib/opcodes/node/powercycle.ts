import * as z from 'zod';
import { kinds, optional } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, nodeTarget } from '../locking.ts';

export const nodePowercycle = defineOpcode({
  id: 'OP_NODE_POWERCYCLE',
  summary: 'Reboots a node at once, without shutting its instances down.',
  params: {
    ...nodeTarget,
    force: optional(kinds.bool, false, 'Do it even when it is the master node.'),
  },
  result: z.string().nullable(),
  summaryField: 'node_name',
  // Not the node's lock: the opcode is for a node that hangs, and jobs that hang with it hold that lock.
  locks: () => [clusterShared],
  example: { node_name: 'node3.example.com' },
});
