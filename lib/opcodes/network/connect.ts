import * as z from 'zod';
import { nicModes } from '../../model/nic.ts';
import { kinds, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { clusterShared, groupLock, networkLock } from '../locking.ts';

export const networkConnect = defineOpcode({
  id: 'OP_NETWORK_CONNECT',
  summary: 'Connects a node group to a network, so that instances of the group can have NICs in it.',
  params: {
    group_name: required(kinds.name, 'The name of the node group.'),
    network_name: required(kinds.name, 'The name of the network.'),
    network_mode: required(oneOf(nicModes), 'The mode of NICs in it.'),
    network_link: required(kinds.name, 'The link of NICs in it: a bridge or a routing table.'),
    network_vlan: optional(kinds.text, '', 'The VLAN of NICs in it.'),
    conflicts_check: optional(
      kinds.bool,
      true,
      'Refuse it when instances of the group already have addresses of the network.',
    ),
  },
  result: z.null(),
  summaryField: 'network_name',
  locks: (params, view) => [
    clusterShared,
    { level: 'nodegroup', names: [groupLock(view, params.group_name)], mode: 'exclusive' },
    { level: 'network', names: [networkLock(view, params.network_name)], mode: 'exclusive' },
  ],
  example: { network_name: 'net1', group_name: 'default', network_mode: 'bridged', network_link: 'br0' },
});
