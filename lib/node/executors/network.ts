import type { Handlers } from '../../rpc/server.ts';
import type { GuestNetwork } from '../hypervisors/define.ts';

type NetworkHandlers = Pick<Handlers, 'network.bridges'>;

/** Serves the calls about the host's network; null stands for a node whose guests are simulated and lack nothing. */
export function networkExecutors(network: GuestNetwork | null): NetworkHandlers {
  return {
    'network.bridges': async ({ bridges }) => ({ missing: (await network?.missingBridges(bridges)) ?? [] }),
  };
}
