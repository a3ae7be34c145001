// The node worker's side of the protocol (wire.ts): an HTTPS server for the master, and for streams of data to other nodes' workers.
//
// Every client must show a certificate of the cluster's authority, or the connection is closed before a request is read. A call that
// changes the node passes the fence (order.ts) and is executed once for each id by the journal; others are executed each time, and end
// when their client disconnects.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { Connections, connectionLimits, connectionTimes } from '../base/connections.ts';
import { errorText, type Failure, MerapiError, toFailure } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { parseJsonInSlices } from '../base/json-slices.ts';
import type { Logger } from '../base/log.ts';
import { certificatesIn, isNodeRole, MASTER, type Peer, peerOf } from '../base/roles.ts';
import { Seldom } from '../base/seldom.ts';
import { underAny } from '../base/signals.ts';
import type { TlsFiles } from '../base/tls.ts';
import type { Tell } from '../model/progress.ts';
import { Answer } from './answer.ts';
import { readBody } from './body.ts';
import type { CallDefinition } from './define.ts';
import { type FactsSource, streamFacts } from './facts-stream.ts';
import { Fence } from './order.ts';
import { type CallName, calls, type ParamsOf, type ResultOf } from './registry.ts';
import { STREAMS, type Streams } from './streams.ts';
import { type CallAnswer, CallRequest, CONTRACT_HEADER, contractMismatch } from './wire.ts';

/** What a handler gets in addition to its parameters. */
export interface CallContext {
  /** Aborted when the server closes, when the master ends the call, and, for a call that changes nothing, when the client disconnects. */
  readonly signal: AbortSignal;
  /** Reports progress to the master. */
  readonly tell: Tell;
}

/** The handler of each call; the compiler checks that none is missing. */
export type Handlers = {
  readonly [N in CallName]: (params: ParamsOf<N>, context: CallContext) => Promise<ResultOf<N>>;
};

/** Executes a call that changes the node. */
type Execute = (stop: AbortSignal, tell: Tell) => Promise<unknown>;

/** Executes each call that changes the node once for each id, and returns its first outcome to whoever repeats it. */
export interface CallJournal {
  /** Executes a call, joins an execution under way, or returns the stored outcome. Everyone who waits gets its progress. */
  once(id: string, call: string, execute: Execute, tell: Tell): Promise<unknown>;
  /** Stops the executions under way whose ids begin with a prefix, except one; resolves when they have ended. */
  stop(prefix: string, except: string): Promise<void>;
  /** Stops the execution under way with this id, if there is one; resolves when it has ended. */
  cancel(id: string): Promise<void>;
}

/** The dependencies and settings of the server. */
export interface RpcServerOptions {
  /** Port 0 means any free port. */
  listen: { host: string; port: number };
  tls: TlsFiles;
  handlers: Handlers;
  journal: CallJournal;
  facts: FactsSource;
  /** The data that other nodes' workers may read; by default none. */
  streams?: Streams;
  log: Logger;
  clock: Clock;
  /** Limits the connections of the whole process; by default this server has limits of its own. */
  connections?: Connections;
  /** Milliseconds between two lines of the facts stream when nothing changes. */
  heartbeat?: number;
}

/** A running server. */
export interface RpcServer {
  readonly host: string;
  readonly port: number;
  /** Uses another certificate and other authorities for new connections. */
  renew(tls: TlsFiles): void;
  /**
   * Stops listening, aborts every handler and closes every connection. A call under way gets no answer: for the master this is like a
   * crash of the worker, after which it repeats the call with the same id.
   */
  close(): Promise<void>;
}

/** How often refused connections are logged, in milliseconds. */
const LOG_PAUSE = 10_000;

/**
 * Starts the server. Only the master may make calls, and only other nodes may read streams.
 * @throws MerapiError environment_error when it cannot listen on the address
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const closing = new AbortController();
  const parts = { ...options, fence: new Fence(), closing: closing.signal };
  const peers = new WeakMap<Duplex, Peer>();
  let trusted = certificatesIn(options.tls.ca);
  const server = createServer(
    {
      ...options.tls,
      ...connectionTimes,
      // peerOf() verifies certificates instead of TLS, without their dates: clocks of hosts may be wrong.
      ...{ requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const },
      keepAliveTimeout: 75_000,
    },
    (request, response) => {
      serve(parts, peers.get(request.socket), request, response).catch((error) => {
        options.log.error({ err: error, url: request.url }, 'a request failed');
        response.destroy();
      });
    },
  );
  const connections = options.connections ?? new Connections(connectionLimits(), options.log);
  const endAll = connections.guard(server, options.log, true);
  let reason = '';
  const refused = new Seldom(LOG_PAUSE, (count) =>
    options.log.warn({ reason, count }, 'refused a TLS connection'),
  );
  const refuse = (error: unknown, socket: Duplex) => {
    socket.destroy();
    reason = errorText(error);
    if (!closing.signal.aborted) refused.note();
  };
  server.on('tlsClientError', refuse);
  server.prependListener('secureConnection', (socket) => {
    try {
      peers.set(socket, peerOf(socket, trusted, 'client'));
    } catch (error) {
      refuse(error, socket);
    }
  });
  try {
    server.listen(options.listen.port, options.listen.host);
    await once(server, 'listening');
  } catch (cause) {
    const where = `${options.listen.host} port ${options.listen.port}`;
    throw new MerapiError('environment_error', `Cannot listen on ${where}: ${errorText(cause)}`, { cause });
  }
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    renew(tls) {
      trusted = certificatesIn(tls.ca);
      server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' });
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      closing.abort(new MerapiError('unavailable', 'The node worker is closing'));
      endAll();
      await closed;
    },
  };
}

/** The dependencies of a request. */
interface Parts extends RpcServerOptions {
  fence: Fence;
  closing: AbortSignal;
}

/** Routes a request by the role of its client. */
async function serve(
  options: Parts,
  peer: Peer | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url = '' } = request;
  const answer = new Answer(request, response, options.clock);
  const role = peer?.fits ? peer.role : null;
  if (role !== null && isNodeRole(role) && options.streams && url.startsWith(STREAMS))
    return options.streams.serve(role, request, response);
  if (role !== MASTER) {
    options.log.warn({ role: peer?.role, url }, 'refused a client that is not the master');
    const message = `Only the master (${MASTER}) may do this, not ${peer?.role ?? 'a certificate without a role'}`;
    return answer.end(403, { error: { code: 'forbidden', message } });
  }
  const mismatch = contractMismatch(request.headers[CONTRACT_HEADER], 'master');
  if (mismatch !== null) {
    options.log.warn({ reason: mismatch }, 'refused a master');
    return answer.end(409, { error: { code: 'wrong_state', message: mismatch } });
  }
  if (method === 'GET' && url === '/facts') return streamFacts(options, response);
  if (method === 'POST' && url.startsWith('/call/')) {
    const name = url.slice('/call/'.length);
    const answered = await answerCall(options, name, request, response, answer);
    return answered ? answer.end(200, answered) : undefined;
  }
  const message = `There is no ${method} ${url}; use POST /call/NAME or GET /facts`;
  answer.end(404, { error: { code: 'not_found', message } });
}

/** Executes a call and returns its answer; null when the client disconnected before it had sent the whole request. */
async function answerCall(
  options: Parts,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  progress: Answer,
): Promise<CallAnswer | null> {
  if (!Object.hasOwn(calls, name)) {
    request.resume();
    return { error: { code: 'wrong_input', message: `There is no call '${name}'` } };
  }
  let call: ParsedCall;
  try {
    call = parseCall(name as CallName, await parseJsonInSlices(await readBody(request)));
  } catch (error) {
    return request.complete ? { error: toFailure(error) } : null;
  }
  const answer: CallAnswer = {};
  try {
    answer.result = await perform(options, call, response, (now) => progress.progress(now));
  } catch (error) {
    answer.error = describeFailure(options, call, error);
  }
  if (call.definition.mutates) answer.facts = await options.facts.current();
  return answer;
}

interface ParsedCall {
  name: CallName;
  definition: CallDefinition;
  request: CallRequest;
  params: unknown;
}

function parseCall(name: CallName, body: Json): ParsedCall {
  const definition: CallDefinition = calls[name];
  const request = checked(CallRequest, body, 'wrong_input', `The request of call ${name} is malformed`);
  if (definition.mutates && request.id === null)
    throw new MerapiError('wrong_input', `Call ${name} changes the node, so it needs the id of its step`);
  const params = checked(
    definition.params,
    request.params,
    'wrong_input',
    `Call ${name} has wrong parameters`,
  );
  return { name, definition, request, params };
}

async function perform(
  { handlers, journal, fence, closing }: Parts,
  call: ParsedCall,
  response: ServerResponse,
  tell: Tell,
): Promise<unknown> {
  const { name, definition, params } = call;
  const { id, order, ends } = call.request;
  const handler = handlers[name] as (params: unknown, context: CallContext) => Promise<unknown>;
  const execute = async (signal: AbortSignal, tell: Tell) => {
    const result = await handler(params, { signal, tell }).catch((error) => {
      throw signal.aborted ? signal.reason : error;
    });
    return checked(definition.result, result, 'internal_error', `Call ${name} returned a wrong result`);
  };
  if (definition.mutates && id !== null) {
    if (order) fence.pass(order);
    const begin = async (stop: AbortSignal, tellAll: Tell) => {
      if (ends !== undefined) await journal.stop(ends, id);
      return underAny([closing, stop], (signal) => execute(signal, tellAll));
    };
    return journal.once(id, name, begin, tell);
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort(new MerapiError('unavailable', 'The client has disconnected')));
  return underAny([closing, gone.signal], (signal) => execute(signal, tell));
}

function describeFailure({ log, closing }: Parts, call: ParsedCall, error: unknown): Failure {
  const failure = toFailure(error);
  if (closing.aborted) return failure;
  const fields = { call: call.name, id: call.request.id, code: failure.code };
  if (error instanceof MerapiError) log.info({ ...fields, reason: failure.message }, 'a call failed');
  else log.error({ ...fields, err: error }, 'a call failed unexpectedly');
  return failure;
}

/** Validates a value. Zod's messages name paths and types, never the values, which may be secret. @throws MerapiError code */
function checked<S extends z.ZodType>(
  schema: S,
  value: unknown,
  code: 'wrong_input' | 'internal_error',
  what: string,
): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'all'}: ${issue.message}`);
  throw new MerapiError(code, `${what}: ${issues.join('; ')}`);
}
