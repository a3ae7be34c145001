import { Map as ImmutableMap } from 'immutable';
import type { Instance } from '../model/instance.ts';

/** By network, then by IP address: the instance (uuid) whose NIC has it. */
export type Addresses = ImmutableMap<string, ImmutableMap<string, string>>;

/** The index with the addresses of an instance. */
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

/** The index without the addresses of an instance; within the changes of one commit another may have taken one already. */
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
