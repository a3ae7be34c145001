import { MerapiError } from '../../base/errors.ts';
import { MAC_PREFIX } from '../../model/cluster.ts';
import { boundaryAddresses, contains, range4, sortedAddresses } from '../../model/ip-pool.ts';
import type { Network } from '../../model/network.ts';
import type { ClusterView } from '../../model/view.ts';

/** The longest and shortest prefixes of networks with a pool. */
const SMALLEST = 30;
const BIGGEST = 16;

/** @throws MerapiError wrong_input for a network that is none, or too big or small for a pool */
export function checkNetwork(text: string): void {
  const range = range4(text);
  if (!range) throw new MerapiError('wrong_input', `'${text}' is no IPv4 network`);
  const [address] = text.split('/');
  if (address !== boundaryAddresses(range)[0])
    throw new MerapiError(
      'wrong_input',
      `${text} is an address in a network; the network is ${boundaryAddresses(range)[0]}/${range.prefix}`,
    );
  if (range.prefix > SMALLEST || range.prefix < BIGGEST)
    throw new MerapiError(
      'wrong_input',
      `A network has a prefix of /${BIGGEST} to /${SMALLEST}, not /${range.prefix}`,
    );
}

/** A prefix of MAC addresses as it is kept. @throws MerapiError wrong_input */
export function macPrefix(text: string): string {
  if (MAC_PREFIX.test(text)) return text.toLowerCase();
  throw new MerapiError(
    'wrong_input',
    `'${text}' is no prefix of MAC addresses; it is three bytes such as aa:00:00, the first of them even`,
  );
}

/** What changes of the reserved addresses of a network. */
interface ReservationChange {
  gateway: string | null;
  add: readonly string[];
  remove: readonly string[];
}

/**
 * The reserved addresses of a network after a change; what is so already is told.
 * @throws MerapiError execution for an address outside the network or one that cannot be given up
 */
export function newReservations(
  view: ClusterView,
  network: Network,
  { gateway, add, remove }: ReservationChange,
  tell: (text: string) => void,
): string[] {
  const reserved = new Set(network.reservations);
  const inside = (ip: string) => {
    if (!contains(network, ip))
      throw new MerapiError('execution', `Address ${ip} is not in the network ${network.network}`);
  };
  if (gateway !== null) {
    inside(gateway);
    if (gateway !== network.gateway) {
      const owner = view.instances.get(view.addressesIn(network.uuid).get(gateway) ?? '');
      if (owner) throw new MerapiError('execution', `Address ${gateway} is used by instance ${owner.name}`);
      if (network.gateway !== null) reserved.delete(network.gateway);
      reserved.add(gateway);
    }
  }
  for (const ip of add) {
    inside(ip);
    if (reserved.has(ip)) tell(`Address ${ip} is reserved already`);
    reserved.add(ip);
  }
  const range = range4(network.network);
  const kept = [gateway ?? network.gateway, ...(range ? boundaryAddresses(range) : [])];
  for (const ip of remove) {
    inside(ip);
    if (kept.includes(ip))
      throw new MerapiError(
        'wrong_input',
        `Address ${ip} is the gateway, or the first or last one of the network: it stays reserved`,
      );
    if (!reserved.delete(ip)) tell(`Address ${ip} is not reserved`);
  }
  return sortedAddresses(reserved);
}
