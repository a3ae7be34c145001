// The index of the IP addresses that NICs have in networks. Within one commit an address may pass from one instance to another in any
// order, so an entry is only removed by the instance that it belongs to.
import { Map as ImmutableMap } from 'immutable';
import type { Instance } from '../model/instance.ts';

/** By network, then by IP address: the instance (uuid) whose NIC has it. */
export type Addresses = ImmutableMap<string, ImmutableMap<string, string>>;

/** Adds the addresses of an instance. */
export function enterAddresses(addresses: Addresses, instance: Instance): Addresses {
  let after = addresses;
  for (const { network, ip } of instance.nics)
    if (network !== null && ip !== null)
      after = after.set(
        network,
        (after.get(network) ?? ImmutableMap<string, string>()).set(ip, instance.uuid),
      );
  return after;
}

/** Removes the addresses of an instance, except those that another one has taken in the same commit. */
export function leaveAddresses(addresses: Addresses, instance: Instance): Addresses {
  let after = addresses;
  for (const { network, ip } of instance.nics) {
    const own = network === null ? undefined : after.get(network);
    if (network === null || ip === null || own?.get(ip) !== instance.uuid) continue;
    const rest = own.remove(ip);
    after = rest.size > 0 ? after.set(network, rest) : after.remove(network);
  }
  return after;
}
