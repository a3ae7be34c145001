// The HTTP or HTTPS server of the RAPI: listening, timeouts, renewal of the certificate, and an orderly end. What it serves is the
// Koa application of app.ts.
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

/** How long an idle connection is kept for the next request, in milliseconds; clients may poll less often than Node's default of 5 s. */
const KEEP_ALIVE = 60_000;
/** How long a connection may transfer nothing, in milliseconds; a stream of events sends a heartbeat every 15 s. */
const SOCKET_TIMEOUT = 120_000;
/** How long running requests may take to finish when the server closes, in milliseconds. */
const CLOSE_GRACE = 1_000;

/** No protocol is negotiated in the TLS handshake, as in Ganeti: with Node's default, clients that offer only other protocols fail. */
const NO_ALPN = { ALPNProtocols: [] };

/** Where and how the RAPI is served; the members of RapiOptions are those of the application. */
export interface RapiServerOptions extends Omit<RapiOptions, 'closing' | 'isTls' | 'connections'> {
  manager: Manager;
  /** Authenticates users. */
  users: Users;
  /** The address to listen on. */
  bind: string;
  /** The port to listen on; 0 chooses a free one. */
  port: number;
  /** The limits on connections, which all servers of a process share; by default those of a process with one server. */
  connections?: Connections;
  /** The server's certificate and key; null for HTTP without TLS. */
  tls: Identity | null;
}

/** A running server. */
export interface RapiServer {
  /** The address at which this machine can reach it. */
  readonly url: string;
  readonly port: number;
  /** Uses another certificate for all new connections. */
  renew(tls: Identity): void;
  /** Stops listening, answers the waiting requests, and ends all connections, within about a second. */
  close(): Promise<void>;
}

/** Starts to serve the RAPI. @throws MerapiError configuration when the address or port cannot be used */
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
  server.timeout = SOCKET_TIMEOUT;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (connections.isEstablished(socket)) refuse(error, socket);
    else socket.destroy(); // a response would wait for the end of the TLS handshake, which may never come
  });
  const endAll = connections.guard(server, log, tls !== null);
  await listen(server, options.bind, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${reachableHost(options.bind)}:${port}`,
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

/** Resolves when the server listens. @throws MerapiError configuration when it cannot */
function listen(server: Server, bind: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new MerapiError('configuration', listenProblem(bind, port, cause), { cause }));
    });
    server.listen(port, bind, resolve);
  });
}

/** Why listening failed, and what to do about it. */
function listenProblem(bind: string, port: number, cause: NodeJS.ErrnoException): string {
  const where = `port ${port} of ${bind}`;
  if (cause.code === 'EADDRINUSE') return `Another program uses ${where}; choose another port`;
  if (cause.code === 'EACCES') return `Not allowed to listen on ${where}; choose a port above 1023`;
  return `Cannot listen on ${where}: ${errorText(cause)}`;
}

/** The host part of a URL for an address to listen on; the addresses for "all interfaces" become those of the loopback. */
function reachableHost(bind: string): string {
  const address = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '::1' : bind;
  return isIPv6(address) ? `[${address}]` : address;
}

/** Why Node's HTTP parser rejected a request. Its own message is not used, since it may repeat what was sent. */
function parseProblem({ code = '' }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return 'its headers are too long; they may have at most 16 KiB';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'it did not arrive in time';
  return `it is not valid HTTP/1.1 (RFC 9112)${/^[A-Z_]+$/.test(code) ? ` (${code})` : ''}`;
}

/** Responds to what Node's parser rejects, such as data that is no HTTP. It bypasses Koa, so it writes the whole response itself. */
function refuse(
  error: NodeJS.ErrnoException,
  socket: { writable: boolean; end(text: string): void; destroy(): void },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new MerapiError('wrong_input', `The request cannot be read: ${parseProblem(error)}`);
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
