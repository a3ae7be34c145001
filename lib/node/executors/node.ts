import { setTimeout as sleep } from 'node:timers/promises';
import type { Handlers } from '../../rpc/server.ts';
import type { Facts } from '../facts.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { Power } from '../power.ts';
import type { Storage } from '../storage/registry.ts';

export interface NodeParts {
  name: string;
  version: string;
  hypervisors: Hypervisors;
  storage: Storage;
  facts: Facts;
  power: Power;
}

type NodeHandlers = Pick<Handlers, 'node.hello' | 'node.facts' | 'node.delay' | 'node.powercycle'>;

/** Milliseconds, 24 days: more would make a timer fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Serves the calls about the node itself. */
export function nodeExecutors({
  name,
  version,
  hypervisors,
  storage,
  facts,
  power,
}: NodeParts): NodeHandlers {
  return {
    'node.hello': async () => ({
      name,
      version,
      hypervisors: hypervisors.kinds(),
      storage: storage.templates(),
    }),
    'node.facts': () => facts.current(),
    'node.powercycle': async () => ({ message: await power.cycle() }),
    'node.delay': async ({ duration }, { signal }) => {
      await sleep(Math.min(duration * 1000, LONGEST_TIMER), undefined, { signal });
      return {};
    },
  };
}
