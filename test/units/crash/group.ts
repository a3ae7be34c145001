import type { Scenario } from './define.ts';

const group_name = 'rack2';
const added = { OP_ID: 'OP_GROUP_ADD', group_name };
const removed = { OP_ID: 'OP_GROUP_REMOVE', group_name };

/** Opcodes on node groups. */
export const groupScenarios: Scenario[] = [
  {
    name: 'add a node group',
    setup: [],
    op: added,
    cleanup: [removed],
  },
  {
    name: 'remove a node group',
    setup: [added],
    op: removed,
    cleanup: [removed],
  },
  {
    name: 'change a node group',
    setup: [added],
    op: {
      OP_ID: 'OP_GROUP_SET_PARAMS',
      group_name,
      alloc_policy: 'last_resort',
      ndparams: { spindle_count: 3 },
    },
    cleanup: [removed],
  },
  {
    name: 'rename a node group',
    setup: [added],
    op: { OP_ID: 'OP_GROUP_RENAME', group_name, new_name: 'rack3' },
    cleanup: [{ ...removed, group_name: 'rack3' }],
  },
  {
    name: 'assign nodes to a node group',
    setup: [added],
    op: { OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name, nodes: ['node2'] },
    cleanup: [{ OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name: 'default', nodes: ['node2'] }, removed],
  },
];
