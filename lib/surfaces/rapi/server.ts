import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, isIPv6 } from 'node:net';
import type { Users } from '../../access/users.ts';
import { Connections, connectionLimits, connectionTimes } from '../../base/connections.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { Identity } from '../../base/tls.ts';
import type { Manager } from '../../manager/define.ts';
import { createRapi, type RapiOptions } from './app.ts';
import { securityHeaders } from './browsers.ts';
import { errorAnswer } from './errors.ts';

/** How long an idle connection is kept for the next request, in milliseconds; clients may poll more seldom than Node's 5 s. */
const KEEP_ALIVE = 60_000;
/** How long a client may take nothing of an answer, in milliseconds; a stream of events tells something every 15 s. */
const SILENCE = 120_000;
/** How long requests under way may go on when the server is closed, in milliseconds. */
const CLOSE_GRACE = 1_000;

/** No protocol is agreed on in the handshake, as with Ganeti: Node's default ends that of clients that offer others only. */
const NO_ALPN = { ALPNProtocols: [] };

export interface RapiServerOptions extends Omit<RapiOptions, 'closing' | 'isTls' | 'connections'> {
  manager: Manager;
  users: Users;
  /** The address to listen on. */
  bind: string;
  /** 0 takes any free port. */
  port: number;
  /** Takes in the connections of clients, within the limits of the process; by default those of a process with one server. */
  connections?: Connections;
  /** The server's certificate and key; null for HTTP without TLS. */
  tls: Identity | null;
}

export interface RapiServer {
  /** Where it can be reached from this machine. */
  readonly url: string;
  readonly port: number;
  /** Shows another certificate at all connections to come. */
  renew(tls: Identity): void;
  /** Stops listening, answers those who wait, and ends all connections: within about a second. */
  close(): Promise<void>;
}

/** Serves the RAPI. @throws MerapiError configuration when the address or port cannot be used. */
export async function startRapi(options: RapiServerOptions): Promise<RapiServer> {
  const closing = new AbortController();
  const { tls, log, clock, connections = new Connections(connectionLimits(), log) } = options;
  const handler = createRapi(options.manager, options.users, {
    ...options,
    isTls: options.tls !== null,
    connections,
    closing: closing.signal,
  }).callback();
  const times = { ...connectionTimes, keepAliveTimeout: KEEP_ALIVE };
  const server: Server = tls
    ? createHttpsServer({ ...tls, ...NO_ALPN, ...times }, handler)
    : createHttpServer(times, handler);
  server.timeout = SILENCE;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (connections.isEstablished(socket)) refuse(error, socket);
    else socket.destroy(); // an answer would wait for the end of the handshake, for ever
  });
  const endAll = connections.guard(server, log, tls !== null);
  await listen(server, options.bind, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${reachable(options.bind)}:${port}`,
    port,
    renew: (tls) => (server as HttpsServer).setSecureContext(tls),
    close: () =>
      new Promise((resolve) => {
        const timer = clock.timer(CLOSE_GRACE, endAll);
        server.close(() => {
          timer.cancel();
          resolve();
        });
        closing.abort();
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, bind: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new MerapiError('configuration', listenProblem(bind, port, cause), { cause }));
    });
    server.listen(port, bind, resolve);
  });
}

function listenProblem(bind: string, port: number, cause: NodeJS.ErrnoException): string {
  const where = `port ${port} of ${bind}`;
  if (cause.code === 'EADDRINUSE') return `Another program uses ${where}; choose another port`;
  if (cause.code === 'EACCES') return `Not allowed to listen on ${where}; choose a port above 1023`;
  return `Cannot listen on ${where}: ${errorText(cause)}`;
}

function reachable(bind: string): string {
  const address = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '::1' : bind;
  return isIPv6(address) ? `[${address}]` : address;
}

/** What is wrong with a request that Node's parser does not take; its own words may repeat what was sent. */
function unreadable({ code = '' }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'its headers are too long; they may have 16 KiB';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'it did not come in time';
  return `it is not HTTP/1.1 as RFC 9112 has it${/^[A-Z_]+$/.test(code) ? ` (${code})` : ''}`;
}

/** Answers what is not even HTTP, or a method that Node does not know. */
function refuse(
  error: NodeJS.ErrnoException,
  socket: { writable: boolean; end(text: string): void; destroy(): void },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new MerapiError('wrong_input', `The request cannot be read: ${unreadable(error)}`);
  const body = `${JSON.stringify(errorAnswer(problem))}\n`;
  const headers = {
    Connection: 'close',
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...securityHeaders,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 400 Bad Request\r\n${lines.join('')}\r\n${body}`);
}
