import { MerapiError } from '../../base/errors.ts';
import { MAC_PREFIX } from '../../model/cluster.ts';
import { boundaryAddresses, contains, range4, sortedAddresses } from '../../model/ip-pool.ts';
import { canonical6, contains6, ip6Number, range6 } from '../../model/ip6.ts';
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

/** The addresses of a network that stand for itself and for all in it. */
function boundariesOf({ network }: Pick<Network, 'network'>): string[] {
  const range = range4(network);
  return range ? boundaryAddresses(range) : [];
}

/**
 * Checks the IPv6 side of a network as it is to be: its gateway lies in it, and so do the addresses of NICs that are in it.
 * @throws MerapiError wrong_input, execution
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
        `Address ${gateway6} cannot be the gateway: it stands for the network ${network6} itself; give another one of its addresses`,
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
        `Address ${ip} of instance ${name} would not be in the network any more; change its NIC first`,
      );
  }
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
  const boundary = boundariesOf(network);
  if (gateway !== null) {
    inside(gateway);
    if (boundary.includes(gateway))
      throw new MerapiError(
        'execution',
        `Address ${gateway} cannot be the gateway: it stands for the network ${network.network} itself or for all in it; give another one of its addresses`,
      );
    if (gateway !== network.gateway) {
      const owner = view.instances.get(view.addressesIn(network.uuid).get(gateway) ?? '');
      if (owner) throw new MerapiError('execution', `Address ${gateway} is used by instance ${owner.name}`);
      if (network.gateway !== null && !boundary.includes(network.gateway)) reserved.delete(network.gateway);
      reserved.add(gateway);
    }
  }
  for (const ip of add) {
    inside(ip);
    if (reserved.has(ip)) tell(`Address ${ip} is reserved already`);
    reserved.add(ip);
  }
  const kept = [gateway ?? network.gateway, ...boundary];
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
