import * as z from 'zod';
import { CLUSTER_LOCK } from '../../model/locks.ts';
import { defineOpcode } from '../define.ts';

export const clusterPostInit = defineOpcode({
  id: 'OP_CLUSTER_POST_INIT',
  summary:
    'Ends the initialisation of a cluster: checks that its master node answers and has the enabled hypervisors.',
  params: {},
  result: z.boolean(),
  summaryField: null,
  locks: () => [{ level: 'cluster', names: [CLUSTER_LOCK], mode: 'exclusive' }],
  example: {},
});
