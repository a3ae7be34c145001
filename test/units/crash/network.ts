import { create, removal, type Scenario } from './define.ts';

const network_name = 'lan';
const group_name = 'default';
const added = { OP_ID: 'OP_NETWORK_ADD', network_name, network: '203.0.113.0/29', gateway: '203.0.113.1' };
const removed = { OP_ID: 'OP_NETWORK_REMOVE', network_name };
const connected = {
  ...{ OP_ID: 'OP_NETWORK_CONNECT', network_name, group_name },
  ...{ network_mode: 'bridged', network_link: 'br0' },
};
const disconnected = { OP_ID: 'OP_NETWORK_DISCONNECT', network_name, group_name };

/** Opcodes on networks, and an instance that gets its address from one. */
export const networkScenarios: Scenario[] = [
  {
    name: 'add a network',
    setup: [],
    op: { ...added, add_reserved_ips: ['203.0.113.4'], tags: ['one'] },
    cleanup: [removed],
  },
  {
    name: 'remove a network',
    setup: [added],
    op: removed,
    cleanup: [removed],
  },
  {
    name: 'change a network',
    setup: [added],
    op: {
      ...{ OP_ID: 'OP_NETWORK_SET_PARAMS', network_name },
      ...{ add_reserved_ips: ['203.0.113.5'], mac_prefix: 'aa:11:22' },
    },
    cleanup: [removed],
  },
  {
    name: 'change the gateway of a network',
    setup: [added],
    op: { OP_ID: 'OP_NETWORK_SET_PARAMS', network_name, gateway: '203.0.113.2' },
    cleanup: [removed],
  },
  {
    name: 'connect a network',
    setup: [added],
    op: connected,
    cleanup: [disconnected, removed],
  },
  {
    name: 'disconnect a network',
    setup: [added, connected],
    op: disconnected,
    cleanup: [disconnected, removed],
  },
  {
    name: 'create an instance with an address from a pool',
    setup: [added, connected],
    op: { ...create, nics: [{ network: network_name, ip: 'pool' }] },
    cleanup: [removal, disconnected, removed],
  },
];
