import { createConnection, type Socket } from 'node:net';
import { errorText, MerapiError } from '../../../base/errors.ts';

/** Something that happened in QEMU, in its own words (https://qemu.org/docs/master/interop/qemu-qmp-ref.html). */
interface QmpEvent {
  event: string;
  data: Record<string, unknown>;
}

/** Who hears of what comes from QEMU unasked. */
export interface QmpHandlers {
  /** Called with each event, from the connection on. */
  onEvent?: (event: QmpEvent) => void;
  /** Called once when an established connection ended, unless by close(). */
  onClose?: () => void;
}

interface Waiter {
  command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Milliseconds until an unanswered command is an error; a busy host may well need some seconds. */
const ANSWER_TIMEOUT = 30_000;

/**
 * A connection to the monitor of one QEMU process. QEMU serves one client of a monitor at a time; another one waits until
 * this one is closed.
 */
export class QmpClient {
  readonly #socket: Socket;
  readonly #waiters = new Map<number, Waiter>();
  readonly #handlers: Required<QmpHandlers>;
  #greeted: (() => void) | null = null;
  #lastId = 0;
  #buffer = '';
  #closed = false;

  private constructor(socket: Socket, handlers: Required<QmpHandlers>) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.setEncoding('utf8').on('data', (text: unknown) => this.#receive(String(text)));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#end());
  }

  /**
   * Connects and readies the monitor for commands.
   * @throws MerapiError hypervisor when nobody listens or answers within `timeout` ms
   */
  static async connect(path: string, options: QmpHandlers & { timeout?: number } = {}): Promise<QmpClient> {
    const timeout = options.timeout ?? ANSWER_TIMEOUT;
    let ready = false;
    const socket = createConnection(path);
    const client = new QmpClient(socket, {
      onEvent: options.onEvent ?? (() => undefined),
      onClose: () => {
        if (ready) options.onClose?.();
      },
    });
    try {
      await client.#greeting(path, timeout);
      await client.execute('qmp_capabilities', {}, timeout);
    } catch (error) {
      client.close();
      throw error;
    }
    ready = true;
    return client;
  }

  #greeting(path: string, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        reject(new MerapiError('hypervisor', `The monitor of QEMU at ${path} ${why}`));
      };
      const timer = setTimeout(() => fail(`said nothing for ${timeout / 1000} s`), timeout);
      this.#greeted = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#socket.once('error', (error) => fail(`cannot be reached: ${errorText(error)}`));
      this.#socket.once('close', () => fail('closed the connection'));
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

  /** Ends the connection; the QEMU process is not touched. */
  close(): void {
    this.#end(true);
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#buffer += text;
    const lines = this.#buffer.split('\n');
    this.#buffer = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '' && !this.#closed) this.#take(line);
  }

  #take(line: string): void {
    const message = JSON.parse(line) as Record<string, unknown>;
    if ('QMP' in message) this.#greeted?.();
    else if (typeof message.event === 'string')
      this.#handlers.onEvent({ event: message.event, data: (message.data as Record<string, unknown>) ?? {} });
    else this.#answer(message);
  }

  #answer(message: Record<string, unknown>): void {
    const waiter = this.#waiters.get(message.id as number);
    if (!waiter) return;
    this.#waiters.delete(message.id as number);
    clearTimeout(waiter.timer);
    if ('error' in message) {
      const { desc } = message.error as { desc: string };
      waiter.reject(new MerapiError('hypervisor', `QEMU refused ${waiter.command}: ${desc}`));
    } else waiter.resolve(message.return);
  }

  #end(silent = false): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiter of this.#waiters.values()) {
      clearTimeout(waiter.timer);
      waiter.reject(
        new MerapiError('hypervisor', `The connection to QEMU ended before it answered ${waiter.command}`),
      );
    }
    this.#waiters.clear();
    if (!silent) this.#handlers.onClose();
  }
}
