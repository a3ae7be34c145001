import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Which way bytes go: to the worker, or back to the master. */
export type Direction = 'out' | 'back';

interface Pair {
  /** The connection that came from the master, and the one to the worker. */
  near: Socket;
  far: Socket;
}

/**
 * What stands between the master and the worker of one node: it hands bytes on as they come, so TLS goes through untouched,
 * and can do to connections what a bad network does.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: () => Promise<number | null>;
  readonly #pairs = new Set<Pair>();
  #delay = 0;
  #isRefusing = false;

  private constructor(target: () => Promise<number | null>) {
    this.#target = target;
    this.#server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true },
      (near) => void this.#join(near),
    );
  }

  /** Listens on a port of its own; `target` tells on which port of this machine the worker listens, null for none. */
  static async start(target: () => Promise<number | null>): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections off. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Ends one direction of all connections in order; the other one stays open. */
  halfClose(direction: Direction): void {
    for (const { near, far } of this.#pairs) (direction === 'out' ? far : near).end();
  }

  /** Breaks all connections off, and every new one too, until it is told otherwise. */
  refuse(refuses: boolean): void {
    this.#isRefusing = refuses;
    if (refuses) this.cut();
  }

  /** The same, but the worker still gets all that is on its way to it. */
  lose(): void {
    this.#isRefusing = true;
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.end();
    }
  }

  /** From now on everything is handed on so many milliseconds late. */
  delay(time: number): void {
    this.#delay = time;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #join(near: Socket): Promise<void> {
    near.on('error', () => near.destroy());
    const port = this.#isRefusing ? null : await this.#target().catch(() => null);
    if (port === null || near.destroyed) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    far.on('error', () => far.destroy());
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('close', () => {
        if (!other.writableEnded) other.destroy();
        this.#pairs.delete(pair);
      });
    void this.#hand(near, far);
    void this.#hand(far, near);
  }

  /** Hands the bytes of one direction on, each piece after the delay that holds when it comes. */
  async #hand(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.#delay > 0) await sleep(this.#delay);
        if (to.writable && !to.write(piece)) await once(to, 'drain');
      }
      if (to.writable) to.end();
    } catch {
      to.destroy();
    }
  }
}
