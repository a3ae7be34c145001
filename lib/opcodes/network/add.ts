import * as z from 'zod';
import { kinds, maybe, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared } from '../locking.ts';
import { address4, address6, addresses4, network4, network6 } from './params.ts';

export const networkAdd = defineOpcode({
  id: 'OP_NETWORK_ADD',
  summary: 'Adds a network with its pool of addresses.',
  params: {
    network_name: required(kinds.name, 'The name of the network.'),
    network: required(network4, 'The IPv4 network, e.g. 192.0.2.0/24.'),
    gateway: optional(maybe(address4), null, 'Its gateway.'),
    network6: optional(maybe(network6), null, 'The IPv6 network.'),
    gateway6: optional(maybe(address6), null, 'Its gateway.'),
    mac_prefix: optional(maybe(kinds.name), null, 'The first three bytes of MAC addresses generated for it.'),
    add_reserved_ips: optional(maybe(addresses4), null, 'Addresses that no instance gets from the pool.'),
    conflicts_check: optional(kinds.bool, true, 'Reserve the addresses of nodes that are in its range.'),
    tags: optional(kinds.names, [], 'Its tags.'),
  },
  result: z.null(),
  summaryField: 'network_name',
  makes: 'network',
  // The lock of the new name keeps two jobs from adding the same network.
  locks: (params) => [clusterShared, { level: 'network', names: [params.network_name], mode: 'exclusive' }],
  example: { network_name: 'net1', network: '192.0.2.0/24', gateway: '192.0.2.1' },
});
