import { createConnection, type Socket } from 'node:net';
import * as z from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { BoundedLines, type LineLimits } from './lines.ts';

/** Something that happened in QEMU, in its own words (https://qemu.org/docs/master/interop/qemu-qmp-ref.html). */
interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

/** Who hears of what comes from QEMU unasked. */
export interface QmpHandlers {
  /** Called with each event, from the connection on. */
  onEvent?: (event: QmpEvent) => void;
  /** Called once when an established connection ended, unless by close(); `fault` tells what QEMU did to have it cut. */
  onClose?: (fault: string | null) => void;
}

interface Waiter {
  command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Milliseconds until an unanswered command is an error; a busy host may well need some seconds. */
const ANSWER_TIMEOUT = 30_000;

/** How many characters of what QEMU says are told. */
const LONGEST_WORDS = 500;

/** QEMU broke the protocol: no second attempt will be better. */
export class QmpFault extends MerapiError {
  constructor(message: string) {
    super('hypervisor', message);
  }
}

/** Far more than QEMU ever says. */
const limits: LineLimits = { length: 4 * 1024 * 1024, lines: 500, period: 1000 };

/** What is looked at of a message from QEMU. */
const Message = z.object({
  QMP: z.unknown().optional(),
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  id: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
});
type Message = z.infer<typeof Message>;

/**
 * A connection to the monitor of one QEMU process. QEMU serves one client of a monitor at a time; another one waits until
 * this one is closed.
 *
 * The process is not trusted, for its guest may have taken it over: the connection ends at what is no message of the
 * protocol or is too long, with an error for all who wait, and a process that says too much is read slowly.
 */
export class QmpClient {
  readonly #socket: Socket;
  readonly #waiters = new Map<number, Waiter>();
  readonly #handlers: Required<QmpHandlers>;
  #greeted: (() => void) | null = null;
  #lastId = 0;
  readonly #lines: BoundedLines;
  /** Why the connection was ended from this side, if it was. */
  #fault: string | null = null;
  #closed = false;

  private constructor(socket: Socket, handlers: Required<QmpHandlers>) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#lines = new BoundedLines(socket, limits, {
      onLine: (line) => this.#take(line),
      onTooLong: () => this.#fail(`sent a message of more than ${limits.length} characters`),
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#end());
  }

  /**
   * Connects and readies the monitor for commands; an abort of `signal` gives that up.
   * @throws MerapiError hypervisor when nobody listens or answers within `timeout` ms
   */
  static async connect(
    path: string,
    options: QmpHandlers & { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<QmpClient> {
    const timeout = options.timeout ?? ANSWER_TIMEOUT;
    let ready = false;
    const socket = createConnection(path);
    const giveUp = () => socket.destroy();
    options.signal?.addEventListener('abort', giveUp);
    if (options.signal?.aborted) giveUp();
    const client = new QmpClient(socket, {
      onEvent: options.onEvent ?? (() => undefined),
      onClose: (fault) => {
        if (ready) options.onClose?.(fault);
      },
    });
    try {
      await client.#greeting(path, timeout);
      await client.execute('qmp_capabilities', {}, timeout);
    } catch (error) {
      client.close();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', giveUp);
    }
    ready = true;
    return client;
  }

  #greeting(path: string, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        const text = `The monitor of QEMU at ${path} ${why}`;
        reject(this.#fault === null ? new MerapiError('hypervisor', text) : new QmpFault(text));
      };
      const timer = setTimeout(() => fail(`said nothing for ${timeout / 1000} s`), timeout);
      this.#greeted = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#socket.once('error', (error) => fail(`cannot be reached: ${errorText(error)}`));
      this.#socket.once('close', () => fail(this.#fault ?? 'closed the connection'));
    });
  }

  /**
   * Runs a command of the monitor and gives what it returns.
   * @throws MerapiError hypervisor with QEMU's own words, or when the connection ends or no answer comes in `timeout` ms
   */
  execute(command: string, args: Record<string, unknown> = {}, timeout = ANSWER_TIMEOUT): Promise<unknown> {
    if (this.#closed) return Promise.reject(new MerapiError('hypervisor', `${command}: QEMU is gone`));
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const timer = setTimeout(() => {
        this.#waiters.delete(id);
        reject(new MerapiError('hypervisor', `QEMU did not answer ${command} within ${timeout / 1000} s`));
      }, timeout);
      this.#waiters.set(id, { command, resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  /**
   * What a command of the monitor returns, in this form.
   * @throws MerapiError hypervisor as execute(), and when QEMU returns something else
   */
  async query<T>(command: string, form: z.ZodType<T>, args: Record<string, unknown> = {}): Promise<T> {
    const answer = form.safeParse(await this.execute(command, args));
    if (answer.success) return answer.data;
    throw new MerapiError('hypervisor', `QEMU answered ${command} with what Merapi does not understand`);
  }

  /** Ends the connection; the QEMU process is not touched. */
  close(): void {
    this.#end(true);
    this.#socket.destroy();
  }

  #take(line: string): void {
    if (line.trim() === '') return;
    const message = readMessage(line);
    if (!message) this.#fail(`sent what is no message: ${shortened(line)}`);
    else if (message.QMP !== undefined) this.#greeted?.();
    else if (message.event !== undefined)
      this.#handlers.onEvent({ event: message.event, data: message.data ?? {} });
    else this.#answer(message);
  }

  /** Ends the connection because of what came over it. */
  #fail(why: string): void {
    this.#fault = why;
    this.#socket.destroy();
    this.#end();
  }

  #answer(message: Message): void {
    const waiter = this.#waiters.get(message.id as number);
    if (!waiter) return;
    this.#waiters.delete(message.id as number);
    clearTimeout(waiter.timer);
    if (message.error)
      waiter.reject(
        new MerapiError('hypervisor', `QEMU refused ${waiter.command}: ${shortened(message.error.desc)}`),
      );
    else waiter.resolve(message.return);
  }

  #end(silent = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lines.end();
    const why = this.#fault === null ? 'ended' : `was cut, for QEMU ${this.#fault},`;
    for (const waiter of this.#waiters.values()) {
      clearTimeout(waiter.timer);
      waiter.reject(
        new MerapiError('hypervisor', `The connection to QEMU ${why} before it answered ${waiter.command}`),
      );
    }
    this.#waiters.clear();
    if (!silent) this.#handlers.onClose(this.#fault);
  }
}

/** The message on a line; null when it is none. */
function readMessage(line: string): Message | null {
  try {
    return Message.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

const shortened = (text: string) => (text.length > LONGEST_WORDS ? `${text.slice(0, LONGEST_WORDS)}…` : text);
