import type { Clock } from '../../base/clock.ts';
import type { Handlers } from '../../rpc/server.ts';
import type { Arrivals } from '../backup/arrivals.ts';
import type { Dumps } from '../backup/dumps.ts';
import type { Identities } from '../backup/identities.ts';
import { announce, sendToCluster } from '../backup/send.ts';

type TransferHandlers = Pick<Handlers, Extract<keyof Handlers, `transfer.${string}`>>;

interface TransferDependencies {
  arrivals: Arrivals;
  dumps: Dumps;
  identities: Identities;
  /** Whether this worker listens on all addresses, so that it cannot name one that others reach it under. */
  listensOnAll: boolean;
  clock: Clock;
}

/**
 * The handlers of the calls that move the data of disks between clusters. The receiving cluster opens a transfer and hands its port and
 * secrets to the sending one, whose node announces the data and then sends it, disk by disk.
 */
export function transferExecutors(dependencies: TransferDependencies): TransferHandlers {
  const { arrivals, dumps, identities, listensOnAll, clock } = dependencies;
  return {
    'transfer.open': async ({ id, certificate, ca, patience, ...params }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      const count = params.instance.disks.length;
      const opened = await arrivals.open(id, tls, { count, patience }, (index, data, signal) =>
        dumps.restore(params, index, data, signal),
      );
      return listensOnAll ? { ...opened, host: null } : opened;
    },
    'transfer.wait': ({ id, seconds }, { signal }) => arrivals.wait(id, seconds, signal),
    'transfer.close': async ({ id }) => {
      await arrivals.close(id);
      return {};
    },
    'transfer.promise': async ({ certificate, ca, to, withdraws }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      await announce(to, tls, withdraws ? 'DELETE' : 'POST', clock);
      return {};
    },
    'transfer.send': async ({ disk, source, certificate, ca, to, compress, ...params }, { signal, tell }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      const data = await dumps.open(params, disk, source);
      return { bytes: await sendToCluster(data, to, tls, compress, { signal, tell }) };
    },
  };
}
