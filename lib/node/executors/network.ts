import type { Handlers } from '../../rpc/server.ts';
import type { GuestNetwork } from '../hypervisors/define.ts';

type NetworkHandlers = Pick<Handlers, 'network.bridges'>;

/** The handlers of the calls about the host's network; null on a node that only simulates guests, where no bridge is ever missing. */
export function networkExecutors(network: GuestNetwork | null): NetworkHandlers {
  return {
    'network.bridges': async ({ bridges }) => ({ missing: (await network?.missingBridges(bridges)) ?? [] }),
  };
}
