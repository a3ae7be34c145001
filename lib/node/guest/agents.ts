// The agents of all guests of a node. Everything about them goes through this class: the calls of the master, the operations of the
// node itself, and what the facts say of guests.
import { join } from 'node:path';
import { unattended } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { AgentFacts, GuestFacts, GuestRef } from '../../rpc/types.ts';
import type { AgentEvent, AgentPorts } from '../hypervisors/define.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import { GuestAgent } from './agent.ts';
import { Executions } from './executions.ts';
import { GuestFiles, Uploads } from './files.ts';
import { Freezes } from './freezes.ts';
import { Knowledge } from './knowledge.ts';
import { Starts } from './starts.ts';

/** Milliseconds in which a guest that is asked to shut down must show that it does, or its agent refuse. */
const ASK_TIMEOUT = 5000;

export interface AgentsOptions {
  /** The worker's folder. */
  readonly folder: string;
  readonly hypervisors: Hypervisors;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called when what is known of a guest has changed. */
  readonly changed: () => void;
}

interface Known {
  readonly agent: GuestAgent;
  readonly knowledge: Knowledge;
}

export class GuestAgents {
  readonly #options: AgentsOptions;
  /** By the guest's uuid. */
  readonly #known = new Map<string, Known>();
  readonly freezes: Freezes;
  readonly executions: Executions;
  readonly starts: Starts;
  readonly files: GuestFiles;
  readonly uploads: Uploads;

  constructor(options: AgentsOptions) {
    const { folder, clock, log, changed } = options;
    this.#options = options;
    this.freezes = new Freezes({
      ...{ folder: join(folder, 'frozen'), clock, log, changed },
      agent: (uuid) => (this.portOf(uuid) ? this.#of(uuid).agent : null),
    });
    this.executions = new Executions(clock);
    this.starts = new Starts(join(folder, 'starts'), clock);
    this.files = new GuestFiles(clock, log);
    this.uploads = new Uploads(join(folder, 'uploads'), clock);
  }

  /** Begins, before the drivers are opened: these report the guests that they find. */
  async open(): Promise<void> {
    for (const { agents } of this.#options.hypervisors.all())
      agents?.onEvent((uuid, event) => this.#onEvent(uuid, event));
    await this.starts.open();
    await this.uploads.open();
  }

  /** Takes up what an earlier worker left, when the drivers are open. */
  async resume(): Promise<void> {
    await this.freezes.open();
  }

  /** The agent of a guest. @throws MerapiError unsupported when guests of its hypervisor have none */
  of({ uuid, hypervisor }: GuestRef): GuestAgent {
    if (this.#options.hypervisors.of(hypervisor).agents === undefined)
      throw new MerapiError('unsupported', `Guests of the hypervisor ${hypervisor} have no guest agent`);
    return this.#of(uuid).agent;
  }

  /**
   * Asks the agent of a guest to shut it down. True when it did not refuse: the guest then goes down by itself, or its agent hangs.
   */
  async askToShutDown(uuid: string, signal?: AbortSignal): Promise<boolean> {
    if (this.portOf(uuid)?.isOpen !== true) return false;
    const options = { timeout: ASK_TIMEOUT, signal };
    const { agent } = this.#of(uuid);
    return agent.execute('guest-shutdown', { mode: 'powerdown' }, options).then(
      () => true,
      (error) => error instanceof MerapiError && error.code === 'timeout',
    );
  }

  /** The port of a guest; null when it does not run, or guests of its hypervisor have no agents. */
  portOf(uuid: string): ReturnType<AgentPorts['port']> {
    for (const { agents } of this.#options.hypervisors.all()) {
      const port = agents?.port(uuid);
      if (port) return port;
    }
    return null;
  }

  /** A guest's facts with what its agent tells. */
  withAgent(guest: GuestFacts): GuestFacts {
    const port = this.portOf(guest.uuid);
    const agent: AgentFacts | undefined = port ? this.#of(guest.uuid).knowledge.facts() : undefined;
    return agent ? { ...guest, agent } : guest;
  }

  close(): void {
    this.freezes.close();
    this.executions.close();
    for (const uuid of [...this.#known.keys()]) this.#forget(uuid);
  }

  #of(uuid: string): Known {
    const known = this.#known.get(uuid);
    if (known) return known;
    const { clock, random, log, changed } = this.#options;
    const isFrozen = () => this.freezes.has(uuid);
    const agent = new GuestAgent({ clock, random, port: () => this.portOf(uuid), isFrozen });
    const isOpen = () => this.portOf(uuid)?.isOpen ?? null;
    const fresh = { agent, knowledge: new Knowledge({ clock, log, agent, isOpen, isFrozen, changed }) };
    this.#known.set(uuid, fresh);
    return fresh;
  }

  #onEvent(uuid: string, event: AgentEvent): void {
    const { agent, knowledge } = this.#of(uuid);
    agent.onEvent(event);
    if (event === 'opened') knowledge.begin();
    else if (event === 'closed') knowledge.end();
    else if (event === 'reset' || event === 'gone') {
      // A reset guest has other processes, and its file systems are not frozen.
      this.executions.ended(uuid);
      this.files.ended(uuid);
      unattended('forgetting a freeze', this.#options.log, () => this.freezes.ended(uuid));
    }
    if (event === 'gone') this.#forget(uuid);
    this.#options.changed();
  }

  #forget(uuid: string): void {
    const known = this.#known.get(uuid);
    known?.knowledge.end();
    known?.agent.close();
    this.#known.delete(uuid);
  }
}
