import type { Scenario } from './define.ts';

/** Opcodes on node groups. */
export const groupScenarios: Scenario[] = [
  {
    name: 'add a node group',
    setup: [],
    op: { OP_ID: 'OP_GROUP_ADD', group_name: 'rack2' },
    cleanup: [{ OP_ID: 'OP_GROUP_REMOVE', group_name: 'rack2' }],
  },
  {
    name: 'remove a node group',
    setup: [{ OP_ID: 'OP_GROUP_ADD', group_name: 'rack2' }],
    op: { OP_ID: 'OP_GROUP_REMOVE', group_name: 'rack2' },
    cleanup: [{ OP_ID: 'OP_GROUP_REMOVE', group_name: 'rack2' }],
  },
];
