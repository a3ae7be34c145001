// What the agents tell about their guests: version, addresses, OS, host name. It is asked for when an agent opens its port, and again
// every POLL, since agents have no events. Everything is limited in size, as the guest may say anything.
import { isIP } from 'node:net';
import type * as z from 'zod';
import { unattended } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Interface } from '../../model/guest-agent/structures.ts';
import type { AgentFacts } from '../../rpc/types.ts';
import type { GuestAgent } from './agent.ts';

/** Milliseconds between two polls of one guest, and until the first one after its port was opened: a booting guest gets addresses late. */
const POLL = 60_000;
const FIRST_POLLS = [0, 2000, 5000, 10_000, 20_000];
/** The most addresses that are kept, and the most characters of each text. */
const MOST_ADDRESSES = 64;
const LONGEST = 256;

type Told = Pick<AgentFacts, 'version' | 'hostname' | 'os' | 'ips'>;

export interface KnowledgeParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly agent: GuestAgent;
  /** Whether an agent has opened the port; null when this is not known. */
  readonly isOpen: () => boolean | null;
  readonly isFrozen: () => boolean;
  readonly changed: () => void;
}

/** What is known of one guest through its agent. */
export class Knowledge {
  readonly #parts: KnowledgeParts;
  #told: Told | null = null;
  #polls = 0;
  #timer: Timer | null = null;

  constructor(parts: KnowledgeParts) {
    this.#parts = parts;
  }

  facts(): AgentFacts {
    const { isOpen, isFrozen } = this.#parts;
    const frozen = isFrozen() ? { frozen: true } : {};
    return { open: isOpen() ?? this.#told !== null, ...(this.#told ?? {}), ...frozen };
  }

  /** Begins to ask an agent that has opened its port. */
  begin(): void {
    this.#polls = 0;
    this.#schedule(FIRST_POLLS[0] ?? POLL);
  }

  /** Forgets what was told, and asks no more. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#told = null;
  }

  #schedule(after: number): void {
    this.#timer?.cancel();
    const { clock, log } = this.#parts;
    const poll = () => unattended('asking a guest agent', log, () => this.#poll());
    this.#timer = clock.timer(after, poll).unref();
  }

  async #poll(): Promise<void> {
    const own = this.#timer;
    const told = this.#parts.isFrozen() ? null : await this.#ask().catch(() => null);
    if (this.#timer !== own) return; // it ended, or began again, in the meantime
    const before = JSON.stringify(this.#told);
    this.#told = told ?? this.#told;
    if (JSON.stringify(this.#told) !== before) this.#parts.changed();
    this.#polls += 1;
    this.#schedule(FIRST_POLLS[this.#polls] ?? POLL);
  }

  /** An agent that lacks a command, or is not allowed it, leaves out what the command would tell. */
  async #ask(): Promise<Told> {
    const { agent } = this.#parts;
    const { version } = await agent.execute('guest-info', {});
    const hostname = await orNothing(agent.execute('guest-get-host-name', {}));
    const os = await orNothing(agent.execute('guest-get-osinfo', {}));
    const interfaces = await orNothing(agent.execute('guest-network-get-interfaces', {}));
    const name = os?.['pretty-name'] ?? os?.name;
    return {
      version: short(version),
      ...(hostname ? { hostname: short(hostname['host-name']) } : {}),
      ...(name === undefined ? {} : { os: short(name) }),
      ...(interfaces ? { ips: addressesOf(interfaces) } : {}),
    };
  }
}

const orNothing = <T>(answer: Promise<T>) => answer.catch(() => null);
const short = (text: string) => text.slice(0, LONGEST);

/** The addresses of a guest without those that mean the same in each guest: loopback and link-local. */
function addressesOf(interfaces: readonly z.infer<typeof Interface>[]): string[] {
  const all = interfaces.flatMap((each) => (each['ip-addresses'] ?? []).map((one) => one['ip-address']));
  const own = all.filter(
    (address) => isIP(address) !== 0 && !/^(127\.|169\.254\.|::1$|fe80:)/i.test(address),
  );
  return [...new Set(own)].slice(0, MOST_ADDRESSES);
}
