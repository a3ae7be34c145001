// The agent of one guest: its commands with their checks, and what is known of it. `trusts` nothing that the guest says: answers are
// checked against the table of commands, and what is kept of them is limited.
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import { secretFaultTexts } from '../../base/schema-words.ts';
import {
  type AgentAnswer,
  type AgentArgs,
  type AgentCommand,
  type AgentCommandName,
  agentCommands,
  isAgentCommand,
  unknownCommand,
} from '../../model/guest-agent/commands.ts';
import type { AgentEvent, AgentPorts } from '../hypervisors/define.ts';
import { AgentChannel } from './channel.ts';
import { agentFailure } from './failure.ts';

type Port = ReturnType<AgentPorts['port']>;

export interface AgentParts {
  readonly clock: Clock;
  readonly random: Random;
  /** The port of the guest, null when it does not run. */
  readonly port: () => Port;
  /** Whether file systems of the guest are frozen, as far as is known. */
  readonly isFrozen: () => boolean;
}

/** The options of a command. */
export interface CommandOptions {
  /** Milliseconds; by default the limit of the table. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Texts of the arguments that no message may repeat. */
  hidden?: readonly string[];
}

/** The events of a guest that prove that a command without an answer has had its effect. */
const proofs: Readonly<Record<string, readonly AgentEvent[]>> = {
  'guest-shutdown': ['shutdown', 'reset', 'closed', 'gone'],
  'guest-suspend-ram': ['suspended'],
  'guest-suspend-hybrid': ['suspended'],
  'guest-suspend-disk': ['suspended', 'shutdown', 'gone'],
};

export class GuestAgent {
  readonly #parts: AgentParts;
  #channel: AgentChannel | null = null;
  /** The path of the channel's socket. */
  #path = '';
  #listeners = new Set<(event: AgentEvent) => void>();
  /** When the agent last answered, in seconds since 1970; null when it has not. */
  #lastSeen: number | null = null;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  get lastSeen(): number | null {
    return this.#lastSeen;
  }

  /** Sends a command of the table and returns its checked answer. @throws MerapiError as raw() */
  async execute<N extends AgentCommandName>(
    name: N,
    args: AgentArgs<N>,
    options: CommandOptions = {},
  ): Promise<AgentAnswer<N>> {
    return (await this.raw(name, args as object, options)) as AgentAnswer<N>;
  }

  /**
   * Sends any command, also one that the table does not have.
   * @throws MerapiError wrong_input for wrong arguments; conflict when the guest does not run or its file systems are frozen;
   *   unavailable when no agent has opened the port; timeout, guest_agent, unsupported, forbidden
   */
  async raw(name: string, args: object, options: CommandOptions = {}): Promise<Json> {
    const command: AgentCommand = isAgentCommand(name) ? agentCommands[name] : unknownCommand;
    const read = command.args.safeParse(args);
    if (!read.success)
      throw new MerapiError(
        'wrong_input',
        `${name}: ${secretFaultTexts(command.args, read.error.issues).join('; ')}`,
      );
    this.#demandReady(name, command);
    const proof = command.result === null ? this.#proofOf(name) : null;
    try {
      const reply = await this.#open().execute({
        ...{ name, args: read.data, size: command.size },
        timeout: options.timeout ?? command.timeout,
        ...(options.signal ? { signal: options.signal } : {}),
        ...(proof ? { success: proof.seen } : {}),
      });
      this.#lastSeen = this.#parts.clock.seconds();
      if ('error' in reply) throw agentFailure(name, reply.error, options.hidden);
      return checkedAnswer(name, command, reply.value);
    } finally {
      proof?.release();
    }
  }

  /** To be called with each event of the guest. */
  onEvent(event: AgentEvent): void {
    if (event === 'opened') this.#channel?.expectOther();
    if (event === 'gone') this.close();
    for (const listener of this.#listeners) listener(event);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  #demandReady(name: string, { whileFrozen }: AgentCommand): void {
    const port = this.#parts.port();
    if (port === null)
      throw new MerapiError('conflict', 'The instance does not run, so its guest agent cannot be asked');
    if (port.isOpen === false)
      throw new MerapiError(
        'unavailable',
        'No guest agent has opened its port in the guest; it is installed there as qemu-guest-agent, and may still be starting',
      );
    if (!whileFrozen && this.#parts.isFrozen())
      throw new MerapiError(
        'conflict',
        `The file systems of the guest are frozen; until they are thawed its agent does not do ${name}`,
      );
  }

  #open(): AgentChannel {
    const path = this.#parts.port()?.path ?? this.#path;
    if (path !== this.#path) this.close();
    this.#path = path;
    this.#channel ??= new AgentChannel(path, this.#parts);
    return this.#channel;
  }

  /** Waits for an event that proves the effect of a command. */
  #proofOf(name: string): { seen: Promise<void>; release: () => void } {
    let listener: (event: AgentEvent) => void = () => undefined;
    const seen = new Promise<void>((resolve) => {
      listener = (event) => {
        if (proofs[name]?.includes(event)) resolve();
      };
      this.#listeners.add(listener);
    });
    return { seen, release: () => this.#listeners.delete(listener) };
  }
}

/** @throws MerapiError guest_agent when an answer does not match the table */
function checkedAnswer(name: string, { result }: AgentCommand, value: Json): Json {
  if (result === null) return null;
  const read = result.safeParse(value);
  if (read.success) return value;
  const [fault] = read.error.issues;
  throw new MerapiError(
    'guest_agent',
    `The guest agent answered ${name} with what is not of its protocol, at '${fault?.path.join('.') ?? ''}'`,
  );
}
