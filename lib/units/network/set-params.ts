// OP_NETWORK_SET_PARAMS: changes a network: its gateways, reserved addresses, IPv6 network and MAC prefix. The IPv4 network itself stays.

import { MerapiError } from '../../base/errors.ts';
import { networkNamed } from '../../model/find.ts';
import type { Network } from '../../model/network.ts';
import { changed } from '../../model/object.ts';
import { networkSetParams as opcode } from '../../opcodes/network/set-params.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { networkHooks } from '../hooks/hooks.ts';
import { checkNetwork6, macPrefix, newReservations } from './pools.ts';

/** As a MAC prefix: the network has none of its own, and the cluster's is used. */
const NONE = 'none';

export const networkSetParams = defineUnit(opcode, {
  check({ view, log }, params) {
    const network = networkNamed(view, params.network_name);
    const { gateway, network6, gateway6, mac_prefix } = params;
    const add = params.add_reserved_ips ?? [];
    const remove = params.remove_reserved_ips ?? [];
    if (gateway !== null && add.length + remove.length > 0)
      throw new MerapiError(
        'wrong_input',
        'The gateway and the reserved addresses of a network cannot be changed together; send two requests',
      );
    const patch: Partial<Network> = {
      reservations: newReservations(view, network, { gateway, add, remove }, log),
    };
    if (gateway !== null) patch.gateway = gateway;
    if (network6 !== null) patch.network6 = network6;
    if (gateway6 !== null) patch.gateway6 = gateway6;
    if (network6 !== null || gateway6 !== null) checkNetwork6(view, { ...network, ...patch });
    if (mac_prefix !== null) patch.mac_prefix = mac_prefix === NONE ? null : macPrefix(mac_prefix);
    return { uuid: network.uuid, patch };
  },

  hooks: (view, { uuid, patch }) => {
    const network = view.networks.get(uuid);
    return network ? networkHooks(view, 'network-modify', { ...network, ...patch }) : null;
  },

  async run(context, { uuid, patch }) {
    const now = context.clock.seconds();
    return {
      result: null,
      changes: (view) => {
        const network = view.networks.get(uuid);
        return network ? [put('network', changed(network, patch, now))] : [];
      },
    };
  },
});
