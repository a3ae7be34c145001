// What networks check and compute: their range, the reserved addresses of their pool, their IPv6 side.
// `reservations` of a network are all addresses that NICs never get: the first and the last address, the gateway, those that an
// administrator reserved. Addresses that NICs have are not among them; they are found in the instances.

import { MerapiError } from '../../base/errors.ts';
import { MAC_PREFIX } from '../../model/cluster.ts';
import { boundaryAddresses, contains, range4, sortedAddresses } from '../../model/ip-pool.ts';
import { canonical6, contains6, ip6Number, range6 } from '../../model/ip6.ts';
import type { Network } from '../../model/network.ts';
import type { ClusterView } from '../../model/view.ts';

/** The longest and the shortest prefix length of a network. */
const LONGEST_PREFIX = 30;
const SHORTEST_PREFIX = 16;

/** Checks an IPv4 network, written ADDRESS/PREFIX. @throws MerapiError wrong_input when it is none, or too large or small for a pool */
export function checkNetwork(text: string): void {
  const range = range4(text);
  if (!range)
    throw new MerapiError('wrong_input', `'${text}' is not an IPv4 network; give one such as 192.0.2.0/24`);
  const [address] = text.split('/');
  if (address !== boundaryAddresses(range)[0])
    throw new MerapiError(
      'wrong_input',
      `${text} is an address in a network; the network is ${boundaryAddresses(range)[0]}/${range.prefix}`,
    );
  if (range.prefix > LONGEST_PREFIX || range.prefix < SHORTEST_PREFIX)
    throw new MerapiError(
      'wrong_input',
      `A network has a prefix of /${SHORTEST_PREFIX} to /${LONGEST_PREFIX}, not /${range.prefix}`,
    );
}

/** A prefix of MAC addresses in the form that is stored: lower case. @throws MerapiError wrong_input */
export function macPrefix(text: string): string {
  if (MAC_PREFIX.test(text)) return text.toLowerCase();
  throw new MerapiError(
    'wrong_input',
    `'${text}' is not a MAC prefix; give three bytes such as aa:00:00, the first of them even`,
  );
}

/** The network address and the broadcast address. */
function boundariesOf({ network }: Pick<Network, 'network'>): string[] {
  const range = range4(network);
  return range ? boundaryAddresses(range) : [];
}

/**
 * Checks the IPv6 part of a changed network: the gateway and the IPv6 addresses of its NICs must be in it, and no NIC may have the
 * address of the gateway. @throws MerapiError wrong_input, execution
 */
export function checkNetwork6(view: ClusterView, { uuid, network6, gateway6 }: Network): void {
  const range = network6 === null ? null : range6(network6);
  if (gateway6 !== null) {
    if (!range) throw new MerapiError('wrong_input', 'An IPv6 gateway needs an IPv6 network; give network6');
    const number = ip6Number(gateway6);
    if (number === null || !contains6(network6 ?? '', gateway6))
      throw new MerapiError(
        'execution',
        `Address ${gateway6} is not in the network ${network6}; a gateway must be`,
      );
    if (number === range.first)
      throw new MerapiError(
        'execution',
        `Address ${gateway6} cannot be the gateway: it is the address of the network ${network6} itself; give another one of its addresses`,
      );
  }
  const nics = view
    .instancesIn(uuid)
    .flatMap((instance) => instance.nics.map((nic) => ({ ...nic, name: instance.name })));
  for (const { name, ip, network } of nics) {
    if (network !== uuid || ip === null || ip6Number(ip) === null) continue;
    if (gateway6 !== null && canonical6(gateway6) === ip)
      throw new MerapiError('execution', `Address ${ip} is used by instance ${name}`);
    if (!range || !contains6(network6 ?? '', ip))
      throw new MerapiError(
        'execution',
        `Address ${ip} of instance ${name} would no longer be in the network; change its NIC first`,
      );
  }
}

/** A change of the reserved addresses of a network; without `gateway` that stays as it is. */
interface ReservationChange {
  gateway: string | null;
  add: readonly string[];
  remove: readonly string[];
}

/**
 * The reserved addresses of a network after a change, sorted. What changes nothing is logged.
 * @throws MerapiError execution for an address outside the network or a gateway that cannot be one, wrong_input for the release of
 * the gateway, the first or the last address
 */
export function newReservations(
  view: ClusterView,
  network: Network,
  { gateway, add, remove }: ReservationChange,
  log: (text: string) => void,
): string[] {
  const reserved = new Set(network.reservations);
  const checkInside = (ip: string) => {
    if (!contains(network, ip))
      throw new MerapiError('execution', `Address ${ip} is not in the network ${network.network}`);
  };
  const boundary = boundariesOf(network);
  if (gateway !== null) {
    checkInside(gateway);
    if (boundary.includes(gateway))
      throw new MerapiError(
        'execution',
        `Address ${gateway} cannot be the gateway: it is the network or the broadcast address of ${network.network}; give another one of its addresses`,
      );
    if (gateway !== network.gateway) {
      const owner = view.instances.get(view.addressesIn(network.uuid).get(gateway) ?? '');
      if (owner) throw new MerapiError('execution', `Address ${gateway} is used by instance ${owner.name}`);
      if (network.gateway !== null && !boundary.includes(network.gateway)) reserved.delete(network.gateway);
      reserved.add(gateway);
    }
  }
  for (const ip of add) {
    checkInside(ip);
    if (reserved.has(ip)) log(`Address ${ip} is reserved already`);
    reserved.add(ip);
  }
  const permanent = [gateway ?? network.gateway, ...boundary];
  for (const ip of remove) {
    checkInside(ip);
    if (permanent.includes(ip))
      throw new MerapiError(
        'wrong_input',
        `Address ${ip} is the gateway, or the first or last one of the network: it stays reserved`,
      );
    if (!reserved.delete(ip)) log(`Address ${ip} is not reserved`);
  }
  return sortedAddresses(reserved);
}
