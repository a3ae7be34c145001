// A connection to a program that answers commands, with one JSON message on each line: the monitor of QEMU, and others that
// speak like it. The parts, from the socket upwards:
//
//   BoundedLines   cuts what arrives into lines, within limits
//   Channel        (this file) the commands that wait for an answer
//   Wire           of a protocol: how a command and its answer are written on a line, and what the peer says unasked
//
// A command ends in one of these ways, each of them once:
//
//   waiting -> answered    the answer has the form that the table of commands names
//           -> failed      the peer refused the command, or its answer is too long or has another form; the connection goes on
//           -> late        no answer within the limit of the table; an answer that comes later is ignored
//           -> cut         the connection ended: by this side, by the peer, or because the peer broke the protocol
import type { Socket } from 'node:net';
import type * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import { BoundedLines } from './lines.ts';

/** A command of a protocol, and the limits of its answer. */
export interface Command {
  readonly args: z.ZodObject;
  /** What is read of the answer. */
  readonly result: z.ZodType;
  /** Milliseconds until a command without an answer fails. */
  readonly timeout: number;
  /** Characters of the longest line that is taken for an answer. */
  readonly size: number;
}

/** The commands of a protocol that are used, by name. */
export type CommandTable = Readonly<Record<string, Command>>;
export type CommandName<T extends CommandTable> = keyof T & string;
/** The arguments of a command after its name: none, or one object. */
export type ArgsOf<C extends Command> =
  z.input<C['args']> extends Record<string, never> ? [] : [args: z.input<C['args']>];
export type ResultOf<C extends Command> = z.output<C['result']>;

/** What a line from the peer is: the answer to the command with this id, a breach of the protocol, or (null) something else. */
export type Received =
  | { readonly id: unknown; readonly outcome: { readonly value: unknown } | { readonly refusal: string } }
  | { readonly fault: string }
  | null;

/**
 * How one protocol is written. One without ids, where a command is under way at a time, remembers the id of the last command
 * that it encoded; what a line begins with that is of no use (0xFF is read as U+FFFD) it cuts off or ignores itself.
 */
export interface Wire {
  /** What the peer is called in messages. */
  readonly peer: string;
  /** The line (without its end) that asks for a command; `id` is of this command alone. */
  encode(id: number, name: string, args: object): string;
  /** Reads a line. What the peer says unasked is handled here. */
  decode(line: string): Received;
}

/** How many lines are read in one period (ms); a peer that says more is read slowly. */
const RATE = { lines: 500, period: 1000 };
/** How many characters of what a peer says are put into messages. */
const LONGEST_WORDS = 500;

interface Waiter {
  readonly name: string;
  readonly command: Command;
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The commands under way over one connection. The peer is not trusted: a line that is longer than any answer may be, or that
 * breaks the protocol, ends the connection with an error for all who wait.
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

  /** `onEnd` is called once when the connection ended, unless by close(); `fault` is the breach of the protocol that ended it, if one did. */
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
        onLine: (line) => this.#take(line),
        onTooLong: () => this.#fail(`sent a message of more than ${length} characters`),
      },
    );
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#end(null));
  }

  /**
   * Runs a command and returns its result.
   * @throws MerapiError hypervisor with the peer's own words when it refuses, when no answer comes in time, when the answer is
   *   too long or has another form, and when the connection ends
   */
  execute<N extends CommandName<T>>(name: N, ...args: ArgsOf<T[N]>): Promise<ResultOf<T[N]>> {
    const { peer } = this.#wire;
    const command = this.#commands[name] as T[N];
    if (this.#ended) return Promise.reject(new MerapiError('hypervisor', `${name}: ${peer} is gone`));
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

  /** Ends the connection; the commands that wait fail. */
  close(): void {
    this.#end(null, true);
    this.#socket.destroy();
  }

  #take(line: string): void {
    const received = this.#wire.decode(line);
    if (received === null) return;
    if ('fault' in received) {
      this.#fail(received.fault);
      return;
    }
    const waiter = this.#waiters.get(received.id);
    if (!waiter) return; // late, or to what nobody asked
    this.#waiters.delete(received.id);
    clearTimeout(waiter.timer);
    const read = this.#read(waiter, line.length, received.outcome);
    if ('problem' in read) waiter.reject(new MerapiError('hypervisor', `${this.#wire.peer} ${read.problem}`));
    else waiter.resolve(read.value);
  }

  /** The result that an answer holds, or what is wrong with it. */
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
    return { problem: `answered ${name} with what Merapi does not understand: ${problemOf(read.error)}` };
  }

  /** Ends the connection because of what came over it. */
  #fail(why: string): void {
    this.#end(why);
    this.#socket.destroy();
  }

  #end(fault: string | null, silent = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lines.end();
    const { peer } = this.#wire;
    const how = fault === null ? 'ended' : `was cut because ${peer} ${fault},`;
    for (const { name, timer, reject } of this.#waiters.values()) {
      clearTimeout(timer);
      reject(new MerapiError('hypervisor', `The connection to ${peer} ${how} before it answered ${name}`));
    }
    this.#waiters.clear();
    if (!silent) this.#onEnd(fault);
  }
}

/** The first problem of a value that does not fit its schema, with the place in the value. */
export function problemOf({ issues: [issue] }: z.ZodError): string {
  const place = issue && issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  return shortened(`${place}${issue?.message ?? ''}`);
}

/** The beginning of a text that a peer made. */
export const shortened = (text: string) =>
  text.length > LONGEST_WORDS ? `${text.slice(0, LONGEST_WORDS)}…` : text;
