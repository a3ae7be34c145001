import * as z from 'zod';
import { kinds, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock, networkLock } from '../locking.ts';

export const networkDisconnect = defineOpcode({
  id: 'OP_NETWORK_DISCONNECT',
  summary: 'Disconnects a node group from a network.',
  params: {
    group_name: required(kinds.name, 'The name of the node group.'),
    network_name: required(kinds.name, 'The name of the network.'),
  },
  result: z.null(),
  summaryField: 'network_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'nodegroup', names: [groupLock(view, params.group_name)], mode: 'exclusive' },
    { level: 'network', names: [networkLock(view, params.network_name)], mode: 'exclusive' },
  ],
  example: { network_name: 'net1', group_name: 'default' },
});
