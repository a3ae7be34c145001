import { contains } from './ip-pool.ts';
import { contains6 } from './ip6.ts';
import type { Network } from './network.ts';

/** Whether an address is in the IPv4 or the IPv6 range of a network. */
export function holds(network: Pick<Network, 'network' | 'network6'>, ip: string): boolean {
  return contains(network, ip) || (network.network6 !== null && contains6(network.network6, ip));
}
