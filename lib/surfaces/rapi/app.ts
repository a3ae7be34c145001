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
import { stringifyJson } from '../../base/json.ts';
import { isLarge, stringifyInSlices } from '../../base/json-pieces.ts';
import type { Logger } from '../../base/log.ts';
import type { Manager } from '../../manager/define.ts';
import { type AnswerOptions, answerOptions, LongAnswers } from './answers.ts';
import { CHALLENGE, createAuthenticate, failureFor, permit } from './auth.ts';
import { type BodyOptions, BodyReader, bodyOptions, discardBody } from './body.ts';
import { Browsers } from './browsers.ts';
import { errorAnswer, RefusedRequest } from './errors.ts';
import { Guesses, type GuessOptions } from './guesses.ts';
import { QueryArgs } from './query.ts';
import { resources } from './registry.ts';
import { type HttpMethod, type Method, pathPattern, type Resource } from './resource.ts';
import { EventStream, JsonPieces, JsonText, OpenStreams, type StreamLimits } from './stream.ts';
import { WaitingRequests, waitingBounds } from './waiting.ts';

/** How long /2/jobs/N/wait waits for a change, in milliseconds; clients of Ganeti count on it. */
const WAIT_TIMEOUT = 10_000;
/** How long a stream of events is silent at most, in milliseconds. */
const HEARTBEAT = 15_000;
/** After how many seconds a client is to try again what cannot be done now. */
const RETRY_AFTER = '5';
/** How many streams of events there may be. */
const STREAMS: StreamLimits = { all: 512, each: 64 };

export interface RapiOptions {
  /** Whether everybody must authenticate, even for what anonymous users may otherwise see. */
  requireAuthentication: boolean;
  clock: Clock;
  log: Logger;
  /** Milliseconds; by default 10,000. */
  waitTimeout?: number;
  /** How long a stream of events is silent at most, in milliseconds; by default 15,000. */
  heartbeat?: number;
  /** How many streams of events there may be at once. */
  streams?: StreamLimits;
  /** The origins whose pages may do what the user of the browser may; by default none. */
  allowOrigins?: readonly string[];
  /** Whether clients come by TLS. */
  isTls?: boolean;
  /** How guessing of passwords is slowed down; by default as guessOptions says. */
  guesses?: GuessOptions;
  /** The connections of clients, to be told of. */
  connections?: Connections;
  /** How bodies are taken; by default as bodyOptions says. */
  bodies?: BodyOptions;
  /** How long answers are sent; by default as answerOptions says. */
  answers?: AnswerOptions;
  /** How many requests may wait for something at once; by default as waitingBounds says. */
  waiting?: Bounds;
  /** Fires when the server ends: waiting requests are then answered at once. */
  closing?: AbortSignal;
}

/**
 * The RAPI as a Koa application; its checks run in Ganeti's order: path, method, who, right, type of the body, content.
 * Where everybody must authenticate, who it is comes first: a stranger is told nothing, not even which paths there are.
 */
export function createRapi(manager: Manager, users: Users, options: RapiOptions): Koa {
  const guesses = new Guesses(options.log, options.clock, options.guesses);
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
            clock: options.clock,
            fingerprint: () =>
              createHash('sha256')
                .update(
                  `${context.method} ${context.originalUrl}\n${body.value === undefined ? '' : stringifyJson(body.value)}`,
                )
                .digest('hex'),
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
  app.on('error', (error) => options.log.debug({ err: error }, 'An answer could not be sent'));
  app.use((context, next) => answer(context, next, options, browsers));
  if (options.requireAuthentication)
    app.use(async (context, next) => {
      context.state.principal = await authenticate(context.req);
      await next();
    });
  const routes = new Map([...routers].map(([noun, router]) => [noun, router.routes()]));
  app.use(async (context, next) => {
    const route = routes.get(nounOf(context.path));
    // A router wants the context to be its own kind of it; it makes it that itself.
    await (route ? route(context as Parameters<typeof route>[0], next) : next());
  });
  app.use((context) => {
    throw new MerapiError('not_found', `There is no resource ${context.path}`);
  });
  return app;
}

/** The word of a path by which its router is found, e.g. `instances`: so a request is compared with few paths, not with all. */
const nounOf = (path: string) => path.split('/', 3)[2] ?? '';

function routerOf(routers: Map<string, Router>, path: string): Router {
  const noun = nounOf(path);
  const router = routers.get(noun) ?? new Router();
  routers.set(noun, router);
  return router;
}

function methodOf(resource: Resource, context: Context): Method {
  const { method, url } = context;
  const found = Object.hasOwn(resource.methods, method) ? resource.methods[method as HttpMethod] : undefined;
  if (found) return found;
  // Ganeti writes the address as in HTML, and clients compare the text.
  throw new RefusedRequest(501, `Method ${method} is unsupported for path ${inHtml(url)}`);
}

const inHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');

/** Turns whatever goes wrong into an answer, and logs what the client is not told. */
async function answer(
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

/** Sends what a method answers; `enter` takes a place for a stream of events. */
async function send(
  context: Context,
  result: unknown,
  user: string | null,
  answers: LongAnswers,
  enter: () => () => void,
): Promise<void> {
  if (result instanceof EventStream) writeEvents(context, result, enter());
  else if (result instanceof JsonPieces) await writePieces(context, result.pieces, user, answers);
  else if (result instanceof JsonText) writeText(context, 200, result.text);
  else if (isLarge(result)) await writePieces(context, stringifyInSlices(result), user, answers);
  else write(context, 200, result);
}

/** From how long an answer is sent while it is made, in characters. */
const STREAMED = 64 * 1024;

/** Sends a short answer as a whole, and a long one as a stream. What goes wrong at its beginning still gives an error's answer. */
async function writePieces(
  context: Context,
  pieces: AsyncIterable<string>,
  user: string | null,
  answers: LongAnswers,
): Promise<void> {
  const rest = pieces[Symbol.asyncIterator]();
  let begun = '';
  let next = await rest.next();
  for (; !next.done && begun.length < STREAMED; next = await rest.next()) begun += next.value;
  if (next.done) {
    writeText(context, 200, begun);
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
  const all = answers.patient(resumed(begun + next.value, rest), context.res);
  context.body = Readable.from(all, { objectMode: false });
}

/** Sends events as long as there are some; a reader that is slow is waited for. At the end it calls `leave`. */
function writeEvents(context: Context, { pieces }: EventStream, leave: () => void): void {
  context.res.once('close', leave);
  if (context.res.closed) leave();
  context.status = 200;
  context.set('Content-Type', 'text/event-stream');
  context.body = Readable.from(pieces, { objectMode: false });
}

async function* resumed(begun: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    yield begun;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    yield '\n';
  } finally {
    await rest.return?.();
  }
}

/** Sets the answer as text, for Koa would add a charset to JSON and turn null into an empty answer. */
function write(context: Context, status: number, value: unknown): void {
  writeText(context, status, stringifyJson(value));
}

function writeText(context: Context, status: number, text: string): void {
  context.status = status;
  context.set('Content-Type', 'application/json');
  context.body = `${text}\n`;
}
