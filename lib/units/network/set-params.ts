import { MerapiError } from '../../base/errors.ts';
import { networkNamed } from '../../model/find.ts';
import type { Network } from '../../model/network.ts';
import { changed } from '../../model/object.ts';
import { networkSetParams as opcode } from '../../opcodes/network/set-params.ts';
import { put } from '../../store/changes.ts';
import { defineUnit } from '../define.ts';
import { networkHooks } from '../hooks/hooks.ts';
import { checkNetwork6, macPrefix, newReservations } from './pools.ts';

/** In the place of a MAC prefix: that of the cluster. */
const NONE = 'none';

export const networkSetParams = defineUnit(opcode, {
  check({ view, log }, params) {
    const network = networkNamed(view, params.network_name);
    const { gateway, network6, gateway6, mac_prefix } = params;
    const moves = [...(params.add_reserved_ips ?? []), ...(params.remove_reserved_ips ?? [])];
    if (gateway !== null && moves.length > 0)
      throw new MerapiError(
        'wrong_input',
        'The gateway and the reserved addresses of a network cannot be changed at once; send two requests',
      );
    const patch: Partial<Network> = {
      reservations: newReservations(
        view,
        network,
        { gateway, add: params.add_reserved_ips ?? [], remove: params.remove_reserved_ips ?? [] },
        log,
      ),
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
