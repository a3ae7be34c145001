import type { Scenario } from './define.ts';

/** Opcodes on the cluster itself. */
export const clusterScenarios: Scenario[] = [
  {
    name: 'change the cluster',
    setup: [],
    op: { OP_ID: 'OP_CLUSTER_SET_PARAMS', beparams: { vcpus: 3 }, candidate_pool_size: 4 },
    cleanup: [{ OP_ID: 'OP_CLUSTER_SET_PARAMS', beparams: { vcpus: 1 }, candidate_pool_size: 10 }],
  },
];
