import type { Scenario } from './define.ts';

/** The opcodes for tests. */
export const testScenarios: Scenario[] = [
  {
    name: 'wait on the master and on nodes',
    setup: [],
    op: { OP_ID: 'OP_TEST_DELAY', duration: 0.01, on_nodes: ['node1', 'node2'], repeat: 1 },
    cleanup: [],
  },
];
