import type { Clock } from '../../base/clock.ts';
import type { Handlers } from '../../rpc/server.ts';
import { CONTRACT } from '../../rpc/wire.ts';
import type { Certificate } from '../certificate.ts';
import type { Facts } from '../facts.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { Power } from '../power.ts';
import type { Storage } from '../storage/registry.ts';

export interface NodeDependencies {
  name: string;
  version: string;
  hypervisors: Hypervisors;
  storage: Storage;
  facts: Facts;
  power: Power;
  certificate: Certificate;
  clock: Clock;
}

type NodeHandlers = Pick<Handlers, Extract<keyof Handlers, `node.${string}`>>;

/** The handlers of the calls about the node itself. */
export function nodeExecutors(dependencies: NodeDependencies): NodeHandlers {
  const { name, version, hypervisors, storage, facts, power, certificate, clock } = dependencies;
  return {
    'node.hello': async () => ({
      name,
      version,
      contract: CONTRACT,
      hypervisors: hypervisors.kinds(),
      storage: storage.templates(),
    }),
    'node.facts': () => facts.current(),
    'node.powercycle': async () => ({ message: await power.cycle() }),
    'node.certificate': async () => {
      const { cert, ca } = certificate.current();
      return { certificate: cert, authorities: ca };
    },
    'node.certify': async (wanted) => {
      await certificate.renew({ cert: wanted.certificate, ca: wanted.authorities });
      return {};
    },
    'node.delay': async ({ duration }, { signal }) => {
      await clock.sleep(duration * 1000, { signal });
      return {};
    },
  };
}
