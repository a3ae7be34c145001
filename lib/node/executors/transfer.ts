import type { Clock } from '../../base/clock.ts';
import type { Handlers } from '../../rpc/server.ts';
import type { Arrivals } from '../backup/arrivals.ts';
import type { Dumps } from '../backup/dumps.ts';
import type { Identities } from '../backup/identities.ts';
import { promise, sendAway } from '../backup/send.ts';

type TransferHandlers = Pick<Handlers, Extract<keyof Handlers, `transfer.${string}`>>;

interface TransferParts {
  arrivals: Arrivals;
  dumps: Dumps;
  identities: Identities;
  /** Whether this worker listens on all addresses. */
  isEverywhere: boolean;
  clock: Clock;
}

/** Serves the calls about data that goes to other clusters and comes from them. */
export function transferExecutors(parts: TransferParts): TransferHandlers {
  const { arrivals, dumps, identities, isEverywhere, clock } = parts;
  return {
    'transfer.open': async ({ id, certificate, ca, patience, ...params }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      const count = params.instance.disks.length;
      const opened = await arrivals.open(id, tls, { count, patience }, (index, data, signal) =>
        dumps.restore(params, index, data, signal),
      );
      return isEverywhere ? { ...opened, host: null } : opened;
    },
    'transfer.wait': ({ id, seconds }, { signal }) => arrivals.wait(id, seconds, signal),
    'transfer.close': async ({ id }) => {
      await arrivals.close(id);
      return {};
    },
    'transfer.promise': async ({ certificate, ca, to, withdraws }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      await promise(to, tls, withdraws ? 'DELETE' : 'POST', clock);
      return {};
    },
    'transfer.send': async ({ disk, source, certificate, ca, to, compress, ...params }, { signal, tell }) => {
      const tls = { ...(await identities.get(certificate)), ca };
      const data = await dumps.open(params, disk, source);
      return { bytes: await sendAway(data, to, tls, compress, { signal, tell }) };
    },
  };
}
