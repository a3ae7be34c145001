// A connection to a program that answers commands, with one JSON message on each line: the monitor of QEMU, and programs with a
// similar protocol. The layers, from the socket upwards:
//
//   BoundedLines   splits the input into lines, within limits
//   Channel        (this file) the commands that wait for an answer
//   Wire           one protocol: how commands and answers are written on a line, and what the peer sends unasked
//
// A command ends in exactly one of these ways:
//
//   waiting -> answered    the answer matches the schema in the table of commands
//           -> failed      the peer refused the command, or its answer is too long or does not match; the connection continues
//           -> timed out   no answer within the limit of the table; an answer that comes later is ignored
//           -> cut         the connection ended: by this side, by the peer, or because the peer violated the protocol
import type { Socket } from 'node:net';
import type * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { BoundedLines } from './lines.ts';

/** A command of a protocol, and the limits of its answer. */
export interface Command {
  readonly args: z.ZodObject;
  /** The schema of what is read of the answer. */
  readonly result: z.ZodType;
  /** Milliseconds until a command without an answer fails. */
  readonly timeout: number;
  /** Maximum characters of the line of an answer; longer ones fail the command. */
  readonly size: number;
}

/** The commands of a protocol that are used, by name. */
export type CommandTable = Readonly<Record<string, Command>>;
export type CommandName<T extends CommandTable> = keyof T & string;
/** The arguments of a command after its name: none, or one object. */
export type ArgsOf<C extends Command> =
  z.input<C['args']> extends Record<string, never> ? [] : [args: z.input<C['args']>];
export type ResultOf<C extends Command> = z.output<C['result']>;

/** The meaning of a line from the peer: the answer to the command with this id, a violation of the protocol, or (null) something else. */
export type Received =
  | { readonly id: unknown; readonly outcome: { readonly value: unknown } | { readonly refusal: string } }
  | { readonly fault: string }
  | null;

/**
 * The encoding of one protocol. An implementation for a protocol without ids, which allows one command at a time, remembers the id of
 * the last command that it encoded. It also removes or ignores garbage at the start of a line (the byte 0xFF is read as U+FFFD).
 */
export interface Wire {
  /** The name of the peer in messages. */
  readonly peer: string;
  /** The line for a command, without its end; no other command of the connection has this id. */
  encode(id: number, name: string, args: object): string;
  /** Decodes a line. Messages that are not answers (events) are handled here. */
  decode(line: string): Received;
}

/** How many lines are read in one period (ms); a peer that sends more is slowed down. */
const RATE = { lines: 500, period: 1000 };
/** How many characters of a peer's text are quoted in messages. */
const QUOTED_CHARACTERS = 500;

/** A command that waits for its answer. */
interface Waiter {
  readonly name: string;
  readonly command: Command;
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The commands in progress over one connection. The peer is not trusted: a line that is longer than any answer may be, or that
 * violates the protocol, ends the connection, and all waiting commands fail.
 */
export class Channel<T extends CommandTable> {
  readonly #socket: Socket;
  readonly #commands: T;
  readonly #wire: Wire;
  readonly #lines: BoundedLines;
  readonly #onEnd: (fault: string | null) => void;
  readonly #waiters = new Map<unknown, Waiter>();
  #lastId = 0;
  #ended = false;

  /**
   * `onEnd` is called once when the connection ends, except by close(); `fault` is the violation of the protocol that ended it, if one
   * did.
   */
  constructor(
    socket: Socket,
    { commands, wire, onEnd }: { commands: T; wire: Wire; onEnd: (fault: string | null) => void },
  ) {
    this.#socket = socket;
    this.#commands = commands;
    this.#wire = wire;
    this.#onEnd = onEnd;
    const length = Math.max(...Object.values(commands).map(({ size }) => size));
    this.#lines = new BoundedLines(
      socket,
      { length, ...RATE },
      {
        onLine: (line) => this.#receive(line),
        onTooLong: () => this.#fail(`sent a message of more than ${length} characters`),
      },
    );
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#end(null));
  }

  /**
   * Sends a command and returns its result. Several commands may wait at the same time.
   * @throws MerapiError hypervisor: with the peer's own message when it refuses, when no answer comes in time, when the answer is
   *   too long or does not match its schema, and when the connection ends
   */
  execute<N extends CommandName<T>>(name: N, ...args: ArgsOf<T[N]>): Promise<ResultOf<T[N]>> {
    const { peer } = this.#wire;
    const command = this.#commands[name] as T[N];
    if (this.#ended)
      return Promise.reject(new MerapiError('hypervisor', `${name}: the connection to ${peer} has ended`));
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const timer = setTimeout(() => {
        this.#waiters.delete(id);
        reject(
          new MerapiError('hypervisor', `${peer} did not answer ${name} within ${command.timeout / 1000} s`),
        );
      }, command.timeout);
      const waiter = { name, command, reject, timer };
      this.#waiters.set(id, { ...waiter, resolve: (value) => resolve(value as ResultOf<T[N]>) });
      this.#socket.write(`${this.#wire.encode(id, name, args[0] ?? {})}\n`);
    });
  }

  /** Ends the connection; waiting commands fail. */
  close(): void {
    this.#end(null, true);
    this.#socket.destroy();
  }

  #receive(line: string): void {
    const received = this.#wire.decode(line);
    if (received === null) return;
    if ('fault' in received) {
      this.#fail(received.fault);
      return;
    }
    const waiter = this.#waiters.get(received.id);
    if (!waiter) return; // it timed out, or there was no such command
    this.#waiters.delete(received.id);
    clearTimeout(waiter.timer);
    const read = this.#read(waiter, line.length, received.outcome);
    if ('problem' in read) waiter.reject(new MerapiError('hypervisor', `${this.#wire.peer} ${read.problem}`));
    else waiter.resolve(read.value);
  }

  /** The result in an answer, or what is wrong with the answer. */
  #read(
    { name, command }: Waiter,
    length: number,
    outcome: { readonly value: unknown } | { readonly refusal: string },
  ): { value: unknown } | { problem: string } {
    if (length > command.size)
      return { problem: `answered ${name} with ${length} characters; at most ${command.size} are read` };
    if ('refusal' in outcome) return { problem: `refused ${name}: ${shortened(outcome.refusal)}` };
    const read = command.result.safeParse(outcome.value);
    if (read.success) return { value: read.data };
    return { problem: `gave an answer to ${name} that Merapi does not understand: ${problemOf(read.error)}` };
  }

  /** Ends the connection because the peer violated the protocol. */
  #fail(why: string): void {
    this.#end(why);
    this.#socket.destroy();
  }

  /** Fails all waiting commands; calls onEnd() unless `silent`. Only the first call counts. */
  #end(fault: string | null, silent = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lines.end();
    const { peer } = this.#wire;
    const how = fault === null ? 'ended' : `was closed because ${peer} ${fault},`;
    for (const { name, timer, reject } of this.#waiters.values()) {
      clearTimeout(timer);
      reject(new MerapiError('hypervisor', `The connection to ${peer} ${how} before it answered ${name}`));
    }
    this.#waiters.clear();
    if (!silent) this.#onEnd(fault);
  }
}

/** The first problem of a value that does not match its schema, with the path to it. */
export function problemOf({ issues: [issue] }: z.ZodError): string {
  const path = issue && issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  return shortened(`${path}${issue?.message ?? ''}`);
}

/** The beginning of a peer's text, for a message. */
export const shortened = (text: string) =>
  text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
