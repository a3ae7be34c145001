// Limits how many connections outsiders can hold open, over all servers of a process. See Connections for the rules and the states.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from './log.ts';
import { Seldom } from './seldom.ts';

/** How many connections a process accepts. */
export interface ConnectionLimits {
  all: number;
  /** From one address; the addresses of one IPv6 /64 network count as one. */
  perAddress: number;
  /** Connections that have not sent a whole request yet, including those whose TLS handshake is not complete. */
  pending: number;
}

/** The default limit of connections, however many files the process may open. */
const DEFAULT_LIMIT = 4096;
/** File descriptors that are reserved for the process itself: its store, connections to nodes, logs and programs. */
const RESERVE = 256;
/** The limit of open files that is assumed when it cannot be read: every system grants it. */
const USUAL_FILES = 1024;
/** The shortest time between two log lines about closed or refused connections, in milliseconds. */
const LOG_PAUSE = 10_000;

/**
 * Options of every HTTP(S) server, in milliseconds: the time limits for the TLS handshake and for the request headers, and how often
 * Node.js looks for connections that exceed them.
 */
export const connectionTimes = {
  handshakeTimeout: 10_000,
  headersTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
} as const;

/**
 * The limits of this process: `wanted` connections in all, but fewer when the process may not open that many files beside its
 * reserve. One address may have half of them, and half of them may be pending.
 */
export function connectionLimits(
  wanted: number = DEFAULT_LIMIT,
  files: number = openFilesLimit(),
): ConnectionLimits {
  const spare = files - Math.min(RESERVE, Math.ceil(files / 2));
  const all = Math.max(2, Math.min(wanted, spare));
  return { all, perAddress: Math.ceil(all / 2), pending: Math.ceil(all / 2) };
}

/** How many files this process may open. */
function openFilesLimit(): number {
  try {
    const found = /^Max open files +([0-9]+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found ? Number(found[1]) : Number.POSITIVE_INFINITY; // `unlimited`
  } catch {
    return USUAL_FILES;
  }
}

/**
 * | state   | meaning                                           | next                                  |
 * | ------- | ------------------------------------------------- | ------------------------------------- |
 * | pending | no request was received yet; maybe in a TLS handshake | busy at a request; closed          |
 * | busy    | a request is being answered                       | idle after the last answer; closed    |
 * | idle    | all requests are answered                         | busy at a request; closed             |
 * | closed  | it is no longer counted                           |                                       |
 */
type State = 'pending' | 'busy' | 'idle' | 'closed';

interface Connection {
  socket: Socket;
  peer: Peer;
  state: State;
  requests: number;
}

/** The connections that may be closed to make room for others; in each set the one that was added first is closed first. */
type Closable = Readonly<Record<'pending' | 'idle', Set<Connection>>>;

interface Peer extends Closable {
  address: string;
  count: number;
}

/**
 * The connections that outsiders opened to the servers of a process. When a limit is reached, the oldest pending connection is closed,
 * else the one that has been idle for longest; a busy one is never closed. So a client that only opens connections, however many,
 * cannot keep out clients that send requests.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #closed: Seldom;
  readonly #peers = new Map<string, Peer>();
  readonly #closable: Closable = { pending: new Set(), idle: new Set() };
  /** By the socket on which requests come: that of the connection, or its TLS socket. */
  readonly #bySocket = new WeakMap<Socket, Connection>();
  #count = 0;
  #turnedAway = 0;

  constructor(limits: ConnectionLimits, log: Logger) {
    this.#limits = limits;
    this.#closed = new Seldom(LOG_PAUSE, (count) =>
      log.warn(
        { count, open: this.#count, limits },
        'connections were closed or refused: there are too many',
      ),
    );
  }

  /** The number of open connections. */
  get open(): number {
    return this.#count;
  }

  /** How many connections were closed or refused because of a limit, since the process began. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** Whether requests can come on a socket. A connection in its TLS handshake cannot be sent an HTTP response. */
  isEstablished(socket: unknown): boolean {
    return this.#bySocket.has(socket as Socket);
  }

  /** Applies the limits to the connections of a server. Returns a function that destroys all of its connections. */
  guard(server: Server, log: Logger, isTls: boolean): () => void {
    const own = new Set<Connection>();
    const handshakes = new Map<string, Connection>();
    server.on('error', (error) => {
      if (server.listening) log.error({ err: error }, 'a connection could not be accepted');
    });
    server.on('connection', (socket: Socket) => {
      const connection = this.#admit(socket);
      if (!connection) return;
      own.add(connection);
      const key = isTls ? keyOf(socket) : null;
      if (key === null) this.#bySocket.set(socket, connection);
      else handshakes.set(key, connection);
      socket.once('close', () => {
        own.delete(connection);
        if (key !== null && handshakes.get(key) === connection) handshakes.delete(key);
        this.#become(connection, 'closed');
      });
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      const key = keyOf(socket);
      const connection = handshakes.get(key);
      if (!connection || connection.state === 'closed') socket.destroy();
      else this.#bySocket.set(socket, connection);
    });
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const connection = this.#bySocket.get(request.socket);
      if (!connection) return;
      if (++connection.requests === 1) this.#become(connection, 'busy');
      response.once('close', () => {
        if (--connection.requests === 0) this.#become(connection, 'idle');
      });
    });
    return () => {
      for (const { socket } of own) socket.destroy();
    };
  }

  /** Accepts a new connection, and closes another one for it when a limit is reached; null when it is refused. */
  #admit(socket: Socket): Connection | null {
    const address = networkOf(socket.remoteAddress);
    const { all, perAddress, pending } = this.#limits;
    const peer = this.#peers.get(address);
    if (this.#closable.pending.size >= pending) this.#close(oldest(this.#closable.pending));
    if (peer && peer.count >= perAddress) this.#close(leastNeeded(peer));
    if (this.#count >= all) this.#close(leastNeeded(this.#closable));
    if (this.#count >= all || (peer && peer.count >= perAddress)) {
      this.#turnAway(socket);
      return null;
    }
    const own = this.#peers.get(address) ?? { address, count: 0, pending: new Set(), idle: new Set() };
    this.#peers.set(address, own);
    const connection: Connection = { socket, peer: own, state: 'pending', requests: 0 };
    own.count++;
    this.#count++;
    for (const closable of [own, this.#closable]) closable.pending.add(connection);
    return connection;
  }

  #become(connection: Connection, state: State): void {
    if (connection.state === 'closed') return;
    connection.state = state;
    for (const closable of [connection.peer, this.#closable]) {
      closable.pending.delete(connection);
      closable.idle.delete(connection);
      if (state === 'idle') closable.idle.add(connection);
    }
    if (state !== 'closed') return;
    this.#count--;
    if (--connection.peer.count === 0) this.#peers.delete(connection.peer.address);
  }

  #close(connection: Connection | undefined): void {
    if (!connection) return;
    this.#become(connection, 'closed');
    this.#turnAway(connection.socket);
  }

  #turnAway(socket: Socket): void {
    this.#turnedAway++;
    socket.destroy();
    this.#closed.note();
  }
}

function leastNeeded({ pending, idle }: Closable): Connection | undefined {
  return oldest(pending) ?? oldest(idle);
}

function oldest(connections: ReadonlySet<Connection>): Connection | undefined {
  return connections.values().next().value;
}

/** The key by which a TLS socket is matched with its TCP connection: both have the same addresses and ports. */
function keyOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

/** The network that counts as one address: an IPv4 address itself, of an IPv6 address its /64, which one host usually has as a whole. */
export function networkOf(address = ''): string {
  if (!address.includes(':')) return address; // most are IPv4, and each request asks
  if (/^::ffff:[0-9.]+$/i.test(address)) return address.slice(7);
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const before = head.split(':').filter(Boolean);
  const after = tail?.split(':').filter(Boolean) ?? [];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':').toLowerCase()}::/64`;
}
