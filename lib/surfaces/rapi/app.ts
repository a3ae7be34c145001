// A request's way through the RAPI: routing, authentication, access, the body, the method, and the response or error.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import type { Principal } from '../../access/principal.ts';
import type { Users } from '../../access/users.ts';
import type { Bounds } from '../../base/budget.ts';
import type { Clock } from '../../base/clock.ts';
import { type Connections, networkOf } from '../../base/connections.ts';
import { MerapiError } from '../../base/errors.ts';
import { type Json, stringifyJson } from '../../base/json.ts';
import { isLarge, stringifyInSlices } from '../../base/json-pieces.ts';
import type { Logger } from '../../base/log.ts';
import type { Manager } from '../../manager/define.ts';
import { type AnswerOptions, answerOptions, LongAnswers } from './answers.ts';
import { CHALLENGE, createAuthenticate, failureFor, permit } from './auth.ts';
import { type BodyOptions, BodyReader, bodyOptions, discardBody } from './body.ts';
import { Browsers } from './browsers.ts';
import { errorAnswer, RefusedRequest } from './errors.ts';
import { GuessLimiter, type GuessOptions } from './guesses.ts';
import { writeOctets } from './octets.ts';
import { QueryArgs } from './query.ts';
import { resources } from './registry.ts';
import { type HttpMethod, type Method, pathPattern, type Resource } from './resource.ts';
import { EventStream, JsonPieces, JsonText, Octets, OpenStreams, type StreamLimits } from './stream.ts';
import { WaitingRequests, waitingBounds } from './waiting.ts';

/** How long /2/jobs/N/wait waits for a change, in milliseconds; Ganeti's clients rely on it. */
const WAIT_TIMEOUT = 10_000;
/** After how many milliseconds without an event a stream of events sends a heartbeat. */
const HEARTBEAT = 15_000;
/** The Retry-After header of status 503, in seconds. */
const RETRY_AFTER = '5';
/** How many streams of events may be open at once. */
const STREAMS: StreamLimits = { all: 512, each: 64 };

/** The settings of the application. Limits and times have defaults; tests override them. */
export interface RapiOptions {
  /** Whether every request needs a user, even one that anonymous users may send otherwise. */
  requireAuthentication: boolean;
  clock: Clock;
  log: Logger;
  /** How long /2/jobs/N/wait waits for a change, in milliseconds; by default 10,000. */
  waitTimeout?: number;
  /** After how many milliseconds without an event a stream of events sends a heartbeat; by default 15,000. */
  heartbeat?: number;
  /** How many streams of events may be open at once; by default 512, of one user 64. */
  streams?: StreamLimits;
  /** The origins whose pages may send requests with the rights of the browser's user; by default none. */
  allowOrigins?: readonly string[];
  /** Whether clients connect with TLS. */
  isTls?: boolean;
  /** How password guessing is slowed down; by default guessOptions. */
  guesses?: GuessOptions;
  /** The connections of clients, which GET /2/traffic counts. */
  connections?: Connections;
  /** The limits of request bodies; by default bodyOptions. */
  bodies?: BodyOptions;
  /** The limits of long responses; by default answerOptions. */
  answers?: AnswerOptions;
  /** How many requests may wait for an event at once; by default waitingBounds. */
  waiting?: Bounds;
  /** Fires when the server closes: waiting requests are then answered at once. */
  closing?: AbortSignal;
}

/**
 * The RAPI as a Koa application. Its checks run in Ganeti's order, which decides the status when several fail: path (404),
 * method (501), user (401), access (403), type of the body (415), content (400). Where every request needs a user, authentication
 * comes first: an unauthenticated client learns nothing, not even which paths exist.
 */
export function createRapi(manager: Manager, users: Users, options: RapiOptions): Koa {
  const guesses = new GuessLimiter(options.log, options.clock, options.guesses);
  const authenticate = createAuthenticate(users, options.requireAuthentication, guesses);
  const browsers = new Browsers(options.allowOrigins ?? [], options.isTls ?? false);
  const bodies = new BodyReader(options.bodies ?? bodyOptions, options.clock);
  const answers = new LongAnswers(options.answers ?? answerOptions, options.clock);
  const streams = new OpenStreams(options.streams ?? STREAMS);
  const waiting = new WaitingRequests(options.closing, options.waiting ?? waitingBounds);
  const routers = new Map<string, Router>();
  for (const resource of resources)
    routerOf(routers, resource.path).all(pathPattern(resource.path), async (context) => {
      const method = methodOf(resource, context);
      browsers.refuseForeign(context.req, method);
      const principal: Principal = context.state.principal ?? (await authenticate(context.req));
      permit(manager, principal, method.access, context.path);
      const body = await bodies.read(context, method, principal);
      try {
        await send(
          context,
          await method.handle({
            manager,
            principal,
            resource: resource.name,
            items: context.captures ?? [],
            query: new QueryArgs(context.querystring),
            body: body.value,
            octets: body.octets,
            clock: options.clock,
            fingerprint: () => fingerprintOf(context, body.value),
            header: (name) => context.get(name) || null,
            signal: () => waiting.signalOf(context.res, principal.name),
            waitTimeout: options.waitTimeout ?? WAIT_TIMEOUT,
            heartbeat: options.heartbeat ?? HEARTBEAT,
            traffic: () => ({
              connections: options.connections?.open ?? 0,
              connections_turned_away: options.connections?.turnedAway ?? 0,
              streams: streams.count,
              wrong_passwords: guesses.wrong,
              refused_passwords: guesses.refused,
            }),
          }),
          principal.name,
          answers,
          () => streams.enter(principal.name, networkOf(context.req.socket.remoteAddress)),
        );
      } catch (error) {
        throw failureFor(principal, error);
      } finally {
        body.release();
        discardBody(context.req);
      }
    });
  const app = new Koa();
  app.on('error', (error) => options.log.debug({ err: error }, 'A response could not be sent'));
  app.use((context, next) => respond(context, next, options, browsers));
  if (options.requireAuthentication)
    app.use(async (context, next) => {
      context.state.principal = await authenticate(context.req);
      await next();
    });
  const routes = new Map([...routers].map(([noun, router]) => [noun, router.routes()]));
  app.use(async (context, next) => {
    const route = routes.get(nounOf(context.path));
    // The type that a router demands of the context has members that the router adds itself.
    await (route ? route(context as Parameters<typeof route>[0], next) : next());
  });
  app.use((context) => {
    throw new MerapiError('not_found', `There is no resource ${context.path}`);
  });
  return app;
}

/** The second segment of a path, e.g. `instances`. There is a router for each, so a request is compared with few paths, not all. */
const nounOf = (path: string) => path.split('/', 3)[2] ?? '';

/** The router for a path, which is created when it is the first with its second segment. */
function routerOf(routers: Map<string, Router>, path: string): Router {
  const noun = nounOf(path);
  const router = routers.get(noun) ?? new Router();
  routers.set(noun, router);
  return router;
}

/** @throws RefusedRequest 501 when the resource does not have the method of the request */
function methodOf(resource: Resource, context: Context): Method {
  const { method, url } = context;
  const found = Object.hasOwn(resource.methods, method) ? resource.methods[method as HttpMethod] : undefined;
  if (found) return found;
  // Ganeti escapes the URL as HTML, and clients compare the text.
  throw new RefusedRequest(501, `Method ${method} is unsupported for path ${escapeHtml(url)}`);
}

/** The text with the characters escaped that Python's html.escape() escapes. */
const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');

/** The outermost middleware: turns every error into a response, and logs the errors that the client does not get to see. */
async function respond(
  context: Context,
  next: () => Promise<void>,
  options: RapiOptions,
  browsers: Browsers,
): Promise<void> {
  if (browsers.answer(context)) return;
  try {
    await next();
  } catch (error) {
    const failure = errorAnswer(error);
    if (failure.code === 500)
      options.log.error({ err: error, method: context.method, path: context.path }, 'A request failed');
    if (failure.code === 401) context.set('WWW-Authenticate', CHALLENGE);
    if (failure.code === 503) context.set('Retry-After', RETRY_AFTER);
    write(context, failure.code, failure);
    discardBody(context.req);
  }
  if (options.closing?.aborted) context.set('Connection', 'close');
}

/** What identifies a request for its Idempotency-Key: a hash of its method, URL and body. */
function fingerprintOf({ method, originalUrl }: Context, body: Json | undefined): string {
  const text = body === undefined ? '' : stringifyJson(body);
  return createHash('sha256').update(`${method} ${originalUrl}\n${text}`).digest('hex');
}

/** Sends what a method returned. @param enter counts a stream of events, and returns a function that ends it */
async function send(
  context: Context,
  result: unknown,
  user: string | null,
  answers: LongAnswers,
  enter: () => () => void,
): Promise<void> {
  if (result instanceof EventStream) writeEvents(context, result, enter());
  else if (result instanceof JsonPieces) await writePieces(context, result.pieces, user, answers);
  else if (result instanceof Octets) await writeOctets(context, result, answers, user);
  else if (result instanceof JsonText) writeText(context, 200, result.text);
  else if (isLarge(result)) await writePieces(context, stringifyInSlices(result), user, answers);
  else write(context, 200, result);
}

/** The length from which a response is sent while it is made, in characters. */
const STREAMED = 64 * 1024;

/**
 * Sends a short response as a whole, and a long one as a stream. An error within the first 64 KiB still becomes an error response;
 * a later one cuts the connection.
 */
async function writePieces(
  context: Context,
  pieces: AsyncIterable<string>,
  user: string | null,
  answers: LongAnswers,
): Promise<void> {
  const rest = pieces[Symbol.asyncIterator]();
  let start = '';
  let next = await rest.next();
  while (!next.done && start.length < STREAMED) {
    start += next.value;
    next = await rest.next();
  }
  if (next.done) {
    writeText(context, 200, start);
    return;
  }
  try {
    await answers.enter(user, context.res);
  } catch (error) {
    await rest.return?.();
    throw error;
  }
  context.status = 200;
  context.set('Content-Type', 'application/json');
  const all = answers.withTimeout(concatenate(start + next.value, rest), context.res);
  context.body = Readable.from(all, { objectMode: false });
}

/** Sends events as long as there are some, at the speed at which the client reads. Calls `leave` when the response is closed. */
function writeEvents(context: Context, { pieces }: EventStream, leave: () => void): void {
  context.res.once('close', leave);
  if (context.res.closed) leave();
  context.status = 200;
  context.set('Content-Type', 'text/event-stream');
  context.body = Readable.from(pieces, { objectMode: false });
}

/** A text, then further pieces, then a newline; ends the iterator of the pieces also when the consumer stops early. */
async function* concatenate(start: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield start;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    yield '\n';
  } finally {
    await rest.return?.();
  }
}

/** Sets the response as text: Koa itself would add a charset to the type of JSON, and make an empty response of null. */
function write(context: Context, status: number, value: unknown): void {
  writeText(context, status, stringifyJson(value));
}

function writeText(context: Context, status: number, text: string): void {
  context.status = status;
  context.set('Content-Type', 'application/json');
  context.body = `${text}\n`;
}
