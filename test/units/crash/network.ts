import { create, instance_name, removal, type Scenario } from './define.ts';

const network_name = 'net1';
const group_name = 'default';
const added = { OP_ID: 'OP_NETWORK_ADD', network_name, network: '192.0.2.0/28' };
const removed = { OP_ID: 'OP_NETWORK_REMOVE', network_name };
const connected = {
  ...{ OP_ID: 'OP_NETWORK_CONNECT', network_name, group_name },
  ...{ network_mode: 'bridged', network_link: 'br0' },
};
const disconnected = { OP_ID: 'OP_NETWORK_DISCONNECT', network_name, group_name };

/** Opcodes on networks. */
export const networkScenarios: Scenario[] = [
  { name: 'add a network', setup: [], op: added, cleanup: [removed] },
  { name: 'remove a network', setup: [added], op: removed, cleanup: [removed] },
  {
    name: 'change a network',
    setup: [added],
    op: {
      OP_ID: 'OP_NETWORK_SET_PARAMS',
      network_name,
      gateway: '192.0.2.3',
      add_reserved_ips: ['192.0.2.9'],
    },
    cleanup: [removed],
  },
  { name: 'connect a network', setup: [added], op: connected, cleanup: [disconnected, removed] },
  {
    name: 'disconnect a network',
    setup: [added, connected],
    op: disconnected,
    cleanup: [disconnected, removed],
  },
  {
    name: 'create an instance with an address from a pool',
    setup: [added, connected],
    op: {
      ...create,
      instance_name,
      disk_template: 'diskless',
      disks: [],
      nics: [{ network: network_name, ip: 'pool' }],
    },
    cleanup: [removal, disconnected, removed],
  },
];
