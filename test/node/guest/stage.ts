import { systemClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { systemRandom } from '../../../lib/base/random.ts';
import { GuestAgent } from '../../../lib/node/guest/agent.ts';
import type { Resources } from '../helpers.ts';
import { type Asked, answer, type Script, ScriptedAgent, synced } from './scripted.ts';

/** What a scripted agent returns for a command; what it throws becomes an error in the agent's form. */
export type Behaviour = (command: string, args: Record<string, unknown>) => unknown;

/** An error as agents have them. */
export class Refusal extends Error {
  readonly kind: string;
  constructor(desc: string, kind = 'GenericError') {
    super(desc);
    this.kind = kind;
  }
}

function scriptOf(behaviour: Behaviour): Script {
  return (asked: Asked, socket) => {
    if (synced(asked, socket)) return;
    try {
      const value = behaviour(asked.execute, asked.arguments);
      if (value !== undefined) answer(socket, { return: value });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer(socket, { error: { class: error.kind, desc: error.message } });
    }
  };
}

/** A guest's agent that behaves as a test says. `port.isOpen` and `frozen` can be changed. */
export async function agentOf(resources: Resources, behaviour: Behaviour) {
  const scripted = await ScriptedAgent.start(resources, scriptOf(behaviour));
  const state = {
    port: { path: scripted.path, isOpen: true as boolean | null } as {
      path: string;
      isOpen: boolean | null;
    } | null,
    frozen: false,
  };
  const agent = new GuestAgent({
    ...{ clock: systemClock, random: systemRandom },
    port: () => state.port,
    isFrozen: () => state.frozen,
  });
  resources.add(async () => agent.close());
  return { agent, scripted, state, log: silentLogger };
}
