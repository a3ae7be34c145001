import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { unattended } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import { type Connections, connectionTimes } from '../../base/connections.ts';
import { errorText, MerapiError, toFailure } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { underAny } from '../../base/signals.ts';
import type { TlsFiles } from '../../base/tls.ts';
import type { World } from '../../base/world.ts';
import { unpacked } from '../../rpc/streams.ts';

/** What to do with the data of one disk, by number. */
export type Receive = (index: number, data: Readable, signal: AbortSignal) => Promise<void>;

/** Milliseconds that a sender has to learn of a failure. */
const LINGER = 5_000;
/** Seconds that may pass before data comes that is promised. */
const PROMISED = 24 * 3600;

interface Part {
  state: 'waiting' | 'coming' | 'done';
  bytes: number;
}

interface Arrival {
  server: Server;
  /** Ends all connections. */
  endAll(): void;
  parts: Map<string, Part>;
  /** Whether the other cluster has said that it will send. */
  isPromised: boolean;
  failure: MerapiError | null;
  /** Tells each `change` of it. */
  changes: EventEmitter;
  over: AbortController;
}

/** Where data from other clusters arrives: a server for each exchange, which trusts one certificate and knows one-time secrets. */
export class Arrivals {
  readonly #host: string;
  readonly #log: Logger;
  readonly #connections: Connections;
  readonly #world: World;
  readonly #arrivals = new Map<string, Arrival>();

  /** `host` is where to listen. */
  constructor(host: string, log: Logger, connections: Connections, world: World) {
    this.#world = world;
    this.#connections = connections;
    this.#host = host;
    this.#log = log;
  }

  /**
   * Waits for `count` streams, under an id; an earlier wait of this id ends. `patience` is how many seconds the first one may take.
   * @throws MerapiError environment_error
   */
  async open(
    id: string,
    tls: TlsFiles,
    { count, patience }: { count: number; patience: number },
    receive: Receive,
  ): Promise<{ host: string; port: number; secrets: string[] }> {
    await this.close(id);
    const secrets = Array.from({ length: count }, () => this.#world.random.bytes(24).toString('hex'));
    const parts = new Map(secrets.map((secret): [string, Part] => [secret, { state: 'waiting', bytes: 0 }]));
    const server = createServer({ ...tls, ...connectionTimes, requestCert: true, rejectUnauthorized: true });
    const arrival: Arrival = {
      server,
      endAll: this.#connections.guard(server, this.#log, true),
      parts,
      isPromised: false,
      failure: null,
      changes: new EventEmitter(),
      over: new AbortController(),
    };
    server.requestTimeout = 0; // a disk takes as long as it takes
    server.on('request', (request, response) =>
      unattended('receiving the data of a disk', this.#log, () =>
        take(arrival, receive, request, response, this.#world.clock),
      ),
    );
    // Who cannot prove itself is not let in, that is all.
    server.on('tlsClientError', (_error, socket) => {
      socket.destroy();
    });
    try {
      server.listen(0, this.#host);
      await once(server, 'listening');
    } catch (cause) {
      throw new MerapiError('environment_error', `Cannot listen on ${this.#host}: ${errorText(cause)}`, {
        cause,
      });
    }
    this.#arrivals.set(id, arrival);
    const { address, port } = server.address() as AddressInfo;
    unattended('waiting for the other cluster', this.#log, () =>
      expire(arrival, patience, this.#world.clock),
    );
    return { host: address, port, secrets };
  }

  /**
   * Waits until all data of an id is there and done with, for some seconds at most.
   * @throws MerapiError the failure, or execution when nothing is waited for under this id
   */
  async wait(id: string, seconds: number, signal: AbortSignal): Promise<{ done: boolean; bytes: number[] }> {
    const late = this.#world.clock.timeout(seconds * 1000);
    try {
      return await underAny([signal, late.signal], (deadline) => this.#wait(id, deadline));
    } finally {
      late.cancel();
    }
  }

  async #wait(id: string, deadline: AbortSignal): Promise<{ done: boolean; bytes: number[] }> {
    for (;;) {
      const arrival = this.#arrivals.get(id);
      if (!arrival)
        throw new MerapiError(
          'execution',
          'The node waits for this data no longer: its worker has restarted',
        );
      if (arrival.failure) throw arrival.failure;
      const parts = [...arrival.parts.values()];
      const done = parts.every(({ state }) => state === 'done');
      if (done || deadline.aborted) return { done, bytes: parts.map(({ bytes }) => bytes) };
      await once(arrival.changes, 'change', { signal: deadline }).catch(() => undefined);
    }
  }

  /** Ends the wait of an id, and what is coming under it. */
  async close(id: string): Promise<void> {
    const arrival = this.#arrivals.get(id);
    if (!arrival) return;
    this.#arrivals.delete(id);
    fail(arrival, new MerapiError('unavailable', 'The data is not waited for any longer'));
    const closed = once(arrival.server, 'close');
    arrival.server.close();
    arrival.endAll();
    await closed;
  }

  /** Ends all of them. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#arrivals.keys()].map((id) => this.close(id)));
  }
}

function fail(arrival: Arrival, failure: MerapiError): void {
  arrival.failure ??= failure;
  arrival.over.abort(failure);
  arrival.changes.emit('change');
}

/** Fails what is neither sent nor promised in time. */
async function expire(arrival: Arrival, patience: number, clock: Clock): Promise<void> {
  const { signal } = arrival.over;
  const pause = (seconds: number) =>
    clock.sleep(seconds * 1000, { signal, ref: false }).catch(() => undefined);
  await pause(patience);
  if (arrival.isPromised) await pause(PROMISED);
  const isSilent = [...arrival.parts.values()].every(({ state }) => state === 'waiting');
  if (isSilent && arrival.parts.size > 0)
    fail(arrival, new MerapiError('timeout', `The other cluster did not connect within ${patience} s`));
}

/**
 * Answers the other cluster: POST promises that it will send, DELETE takes that back, PUT brings the data of a disk. The path is
 * the secret of a disk.
 */
async function take(
  arrival: Arrival,
  receive: Receive,
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  const secret = (request.url ?? '').slice(1);
  const part = arrival.parts.get(secret);
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  if (request.method !== 'PUT' || part?.state !== 'waiting') {
    request.resume();
    if (part && request.method === 'POST') arrival.isPromised = true;
    if (part && request.method === 'DELETE')
      fail(arrival, new MerapiError('execution', 'The other cluster has given up: its job tells why'));
    if (part && request.method !== 'PUT') return answer(200, {});
    answer(404, { code: 'not_found', message: 'No data is waited for here' });
    return;
  }
  part.state = 'coming';
  try {
    const compress = request.headers['content-encoding'] === 'gzip' ? 'gzip' : 'none';
    const data = unpacked(counted(request, part), compress);
    await receive([...arrival.parts.keys()].indexOf(secret), data, arrival.over.signal);
    part.state = 'done';
    arrival.changes.emit('change');
    answer(200, { bytes: part.bytes });
  } catch (error) {
    const failure = toFailure(error);
    fail(arrival, error instanceof MerapiError ? error : new MerapiError('execution', failure.message));
    answer(500, failure);
    // What is still on its way is read for a moment, or its sender would not come to read the answer.
    request.resume();
    clock.timer(LINGER, () => request.destroy()).unref();
  }
}

/** The same data; how much of it has come is noted, and when it breaks off that is told in words. */
function counted(request: IncomingMessage, part: Part): Readable {
  const read = async function* () {
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        part.bytes += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw new MerapiError('execution', 'The other cluster broke off before all data was sent', { cause });
    }
  };
  return Readable.from(read(), { objectMode: false });
}
