import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A conversation with the agent inside a guest, over its unix socket. It asks one thing at a time. */
export class AgentClient {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #notify: (() => void) | null = null;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: unknown) => {
      const lines = (this.#rest + String(text)).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#notify?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#notify?.();
    });
  }

  /** Waits until the agent answers, at most `timeout` ms. The socket may come to be meanwhile. */
  static async connect(path: string, timeout = 60_000): Promise<AgentClient> {
    const end = performance.now() + timeout;
    while (performance.now() < end) {
      const client = await AgentClient.#open(path);
      if (client && (await client.#sync(Math.min(500, end - performance.now())))) return client;
      client?.close();
      await sleep(50);
    }
    throw new Error(`No guest agent answered at ${path} within ${timeout / 1000} s`);
  }

  static #open(path: string): Promise<AgentClient | null> {
    return new Promise((resolve) => {
      const socket = connect(path);
      socket.once('connect', () => resolve(new AgentClient(socket)));
      socket.once('error', () => resolve(null));
    });
  }

  /** The byte 0xff makes the agent drop what it heard before; what it said before ends with that byte. */
  async #sync(timeout: number): Promise<boolean> {
    const id = Math.floor(Math.random() * 2 ** 31);
    const request = { execute: 'guest-sync-delimited', arguments: { id } };
    this.#socket.write(Buffer.concat([Buffer.from([0xff]), Buffer.from(`${JSON.stringify(request)}\n`)]));
    const end = performance.now() + timeout;
    for (;;) {
      const line = await this.#line(end);
      if (line === null) return false;
      if (line.includes(`"return": ${id}}`)) return true;
    }
  }

  async #line(end: number): Promise<string | null> {
    while (this.#lines.length === 0) {
      if (this.#closed || performance.now() >= end) return null;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - performance.now());
        this.#notify = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#lines.shift() ?? null;
  }

  /** Runs a command of the agent and gives what it returns. */
  async execute(command: string, args: Record<string, unknown> = {}, timeout = 30_000): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const line = await this.#line(performance.now() + timeout);
    if (line === null) throw new Error(`The guest agent did not answer ${command}`);
    const answer = JSON.parse(line) as { return?: unknown; error?: { desc: string } };
    if (answer.error) throw new Error(`${command}: ${answer.error.desc}`);
    return answer.return;
  }

  /** Runs a shell command inside the guest and gives its output. */
  async shell(command: string): Promise<string> {
    const how = { path: '/bin/sh', arg: ['-c', `${command} 2>&1`], 'capture-output': true };
    const { pid } = (await this.execute('guest-exec', how)) as { pid: number };
    for (;;) {
      const status = (await this.execute('guest-exec-status', { pid })) as Record<string, unknown>;
      if (status.exited) return Buffer.from(String(status['out-data'] ?? ''), 'base64').toString('utf8');
      await sleep(50);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
