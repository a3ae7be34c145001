import * as z from 'zod';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, networkLock } from '../locking.ts';
import { address4, address6, addresses4, network6 } from './params.ts';

export const networkSetParams = defineOpcode({
  id: 'OP_NETWORK_SET_PARAMS',
  summary: 'Changes a network.',
  params: {
    network_name: required(kinds.name, 'The name of the network.'),
    gateway: optional(maybe(address4), null, 'Its gateway.'),
    network6: optional(maybe(network6), null, 'The IPv6 network.'),
    gateway6: optional(maybe(address6), null, 'Its gateway.'),
    mac_prefix: optional(
      maybe(kinds.name),
      null,
      'The first three bytes of MAC addresses generated for it; "none" to use the cluster\'s.',
    ),
    add_reserved_ips: optional(maybe(addresses4), null, 'Addresses that no instance gets from the pool.'),
    remove_reserved_ips: optional(maybe(addresses4), null, 'Addresses that the pool may assign again.'),
  },
  result: z.null(),
  summaryField: 'network_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'network', names: [networkLock(view, params.network_name)], mode: 'exclusive' },
  ],
  example: { network_name: 'net1', add_reserved_ips: ['192.0.2.7'] },
});
