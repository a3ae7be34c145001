import { removal, type Scenario, startup, stopped } from './define.ts';

const node_name = 'node2';
const setParams = { OP_ID: 'OP_NODE_SET_PARAMS', node_name };
const online = { ...setParams, offline: false };
const volume = { node_name, storage_type: 'lvm-pv', name: '/dev/simulated/xenvg' };
const allocatable = (value: boolean) => ({
  ...{ OP_ID: 'OP_NODE_MODIFY_STORAGE', ...volume },
  changes: { allocatable: value },
});

/** Opcodes on nodes. */
export const nodeScenarios: Scenario[] = [
  {
    name: 'take a node back online',
    setup: [{ ...setParams, offline: true, auto_promote: true }],
    op: online,
    cleanup: [online],
  },
  {
    name: 'remove a node',
    setup: [],
    op: { OP_ID: 'OP_NODE_REMOVE', node_name },
    cleanup: [{ OP_ID: 'OP_NODE_ADD', node_name, primary_ip: '198.51.100.2' }],
  },
  {
    name: 'cycle the power of a node',
    setup: [{ ...stopped, pnode: node_name }, startup],
    op: { OP_ID: 'OP_NODE_POWERCYCLE', node_name },
    cleanup: [removal],
  },
  {
    name: 'let a physical volume take nothing new',
    setup: [],
    op: allocatable(false),
    cleanup: [allocatable(true)],
  },
  {
    name: 'repair a volume group',
    setup: [],
    op: { OP_ID: 'OP_REPAIR_NODE_STORAGE', node_name, storage_type: 'lvm-vg', name: 'xenvg' },
    cleanup: [],
  },
];
