import * as z from 'zod';
import { ALL } from '../../model/locks.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared } from '../locking.ts';

export const clusterRedistConf = defineOpcode({
  id: 'OP_CLUSTER_REDIST_CONF',
  summary:
    'Checks that every node answers and belongs to this cluster; nodes keep no copy of its configuration.',
  params: {},
  result: z.null(),
  summaryField: null,
  locks: () => [clusterShared, { level: 'node', names: ALL, mode: 'shared' }],
  example: {},
});
