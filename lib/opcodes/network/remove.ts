import * as z from 'zod';
import { kinds, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, networkLock } from '../locking.ts';

export const networkRemove = defineOpcode({
  id: 'OP_NETWORK_REMOVE',
  summary: 'Removes a network that no node group is connected to.',
  params: {
    network_name: required(kinds.name, 'The name of the network.'),
    force: optional(kinds.bool, false, 'Accepted for old clients; it changes nothing.'),
  },
  result: z.null(),
  summaryField: 'network_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'network', names: [networkLock(view, params.network_name)], mode: 'exclusive' },
  ],
  example: { network_name: 'net1' },
});
