import { contains } from './ip-pool.ts';
import { contains6 } from './ip6.ts';
import type { Network } from './network.ts';

/** Whether a network's pool, or its IPv6 network, has an address. */
export function holds(network: Pick<Network, 'network' | 'network6'>, ip: string): boolean {
  return contains(network, ip) || (network.network6 !== null && contains6(network.network6, ip));
}
