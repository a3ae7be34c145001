// OP_NETWORK_ADD: adds a network with its pool of addresses. With conflicts_check the addresses of nodes in it are reserved.

import { MerapiError } from '../../base/errors.ts';
import { boundaryAddresses, contains, range4 } from '../../model/ip-pool.ts';
import { checkObjectName } from '../../model/names.ts';
import type { Network } from '../../model/network.ts';
import { newObject } from '../../model/object.ts';
import { networkAdd as opcode } from '../../opcodes/network/add.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { networkHooks } from '../hooks/hooks.ts';
import { checkTags } from '../tags/tagging.ts';
import { checkNetwork, checkNetwork6, macPrefix, newReservations } from './pools.ts';

export const networkAdd = defineUnit(opcode, {
  check({ view, clock, random, log }, params) {
    const existing = view.networks.named(params.network_name);
    if (existing)
      throw new MerapiError(
        'already_exists',
        `There is a network '${params.network_name}' already (${existing.uuid})`,
      );
    checkObjectName(params.network_name, 'network');
    checkNetwork(params.network);
    const range = range4(params.network);
    const empty: Network = {
      ...newObject(random.uuid(), clock.seconds()),
      name: params.network_name,
      network: params.network,
      gateway: null,
      network6: params.network6,
      gateway6: params.gateway6,
      mac_prefix: params.mac_prefix === null ? null : macPrefix(params.mac_prefix),
      reservations: range ? boundaryAddresses(range) : [],
      tags: checkTags(params.tags).sort(),
    };
    checkNetwork6(view, empty);
    const addresses = view.nodes.list().flatMap((node) => [node.primary_ip, node.secondary_ip]);
    const ofNodes = params.conflicts_check ? addresses.filter((ip) => contains(empty, ip)) : [];
    if (ofNodes.length > 0) log(`These addresses belong to nodes and are reserved: ${ofNodes.join(', ')}`);
    const add = [...new Set([...(params.add_reserved_ips ?? []), ...ofNodes])];
    const reservations = newReservations(view, empty, { gateway: params.gateway, add, remove: [] }, log);
    return { network: { ...empty, gateway: params.gateway, reservations } };
  },

  hooks: (view, { network }) => networkHooks(view, 'network-add', network),

  run: async (_context, { network }) => ({ result: null, changes: () => [put('network', network)] }),
});
