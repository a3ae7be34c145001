// Bodies of requests: which ones are read at all, and within which limits of size, time and memory. Only JSON is accepted
// (Content-Type exactly `application/json`, as in Ganeti), and it is parsed without losing digits of long integers.
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import bodyParser from 'koa-bodyparser';
import type { Principal } from '../../access/principal.ts';
import { type Bounds, Budget } from '../../base/budget.ts';
import type { Clock } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { AT_ONCE, parseJsonInSlices } from '../../base/json-slices.ts';
import { RefusedRequest } from './errors.ts';
import type { Method } from './resource.ts';

const MEDIA_TYPE = 'application/json';
export const OCTETS = 'application/octet-stream';
const MiB = 1024 * 1024;

/** Limits of a body's JSON: code that walks through its values recursively must neither overflow the stack nor block for long. */
const CONTENT = { depth: 200, values: 500_000 };

/** The most bytes that one body may have; fewer where it becomes a job, which is stored and shown. */
const MAX_BODY = 16 * MiB;
const MAX_JOB_BODY = 4 * MiB;

/** How many bytes of a refused body are read and discarded before the connection is cut; a client reads the response only after sending. */
const MAX_DISCARDED = 128 * MiB;

/** The limits under which bodies are read. */
export interface BodyOptions {
  /** How many bytes of bodies may be in memory at once: of one user, and of all users together. */
  readonly bounds: Bounds;
  /** How long every body may take, in milliseconds. */
  readonly patience: number;
  /** The bytes per second that extend this time: a body may take `patience` plus one second for each `rate` bytes received. */
  readonly rate: number;
}

/** The defaults: 32 MiB of one user, 96 MiB of all; 20 s and a second for each 64 KiB. */
export const bodyOptions: BodyOptions = {
  bounds: { each: 32 * MiB, all: 96 * MiB },
  patience: 20_000,
  rate: 64 * 1024,
};

// The parser only collects the bytes: its JSON mode would round long integers and refuse bare strings and null.
const parserOptions = {
  enableTypes: ['text'],
  extendTypes: { text: [MEDIA_TYPE] },
  textLimit: `${MAX_BODY / MiB}mb`,
  encoding: null,
};
const parse = bodyParser(parserOptions);

/** The parsed body of a request. Its bytes count against the memory limits until release() is called; that may be called twice. */
export interface Body {
  /** Undefined when the request has no body. */
  readonly value: Json | undefined;
  /** The bytes as they arrive, for a method that accepts a body of bytes; null when the request has JSON or nothing. */
  readonly octets: AsyncIterable<Buffer> | null;
  release(): void;
}

const noBody: Body = { value: undefined, octets: null, release: () => undefined };

/** Reads the bodies of requests, within the limits of BodyOptions. */
export class BodyReader {
  readonly #options: BodyOptions;
  readonly #clock: Clock;
  readonly #budget: Budget;

  constructor(options: BodyOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = options;
    this.#budget = new Budget(options.bounds);
  }

  /**
   * Reads and parses the body of a request. The body of a method without one is not read, but its type is checked all the same.
   * @throws RefusedRequest 415 for a wrong Content-Type or any Content-Encoding
   * @throws MerapiError too_large; unavailable when the memory limit is reached; wrong_input when it is no JSON or arrives too slowly
   */
  read(context: Context, { body, opcode, octets }: Method, { name }: Principal): Body | Promise<Body> {
    const { headers } = context.req;
    if (!mayHaveBody(context.req)) return noBody;
    if (octets && headers['content-type']?.toLowerCase() === OCTETS)
      return { ...noBody, octets: this.#arriving(context) };
    if (headers['content-type']?.toLowerCase() !== MEDIA_TYPE)
      return refuseType(context.req, body !== undefined);
    if (!body) return noBody;
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new RefusedRequest(415, 'Bodies must come without a Content-Encoding');
    return this.#readJson(context, name, opcode === null ? MAX_BODY : MAX_JOB_BODY);
  }

  /** The bytes of a body as they arrive. @throws MerapiError wrong_input when nothing arrives for a while, or the client disconnects */
  async *#arriving(context: Context): AsyncGenerator<Buffer> {
    const { patience } = this.#options;
    const chunks = context.req[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      let isLate = false;
      const timer = this.#clock.timer(patience, () => {
        isLate = true;
        context.set('Connection', 'close');
        context.req.emit('error', new MerapiError('wrong_input', 'late'));
      });
      try {
        const next = await chunks.next();
        if (next.done) return;
        yield next.value;
      } catch (cause) {
        const why = isLate ? `nothing arrived for ${patience / 1000} s` : errorText(cause);
        throw new MerapiError('wrong_input', `The body cannot be read: ${why}`, { cause });
      } finally {
        timer.cancel();
      }
    }
  }

  async #readJson(context: Context, user: string | null, longest: number): Promise<Body> {
    const held = new HeldBytes(this.#budget, user);
    try {
      const bytes = await this.#readBytes(context, held, longest);
      if (bytes.length === 0) {
        held.release();
        return noBody;
      }
      return {
        value: await parseJsonInSlices(decode(bytes), CONTENT),
        octets: null,
        release: () => held.release(),
      };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #readBytes(context: Context, held: HeldBytes, longest: number): Promise<Buffer> {
    const { req } = context;
    if (Number(req.headers['content-length'] ?? 0) > longest) throw tooLarge(longest);
    const parsed = parse(context, async () => undefined);
    const stopWatching = isShort(req) ? undefined : this.#watch(context, held, longest);
    try {
      await parsed;
    } catch (cause) {
      if (cause instanceof MerapiError) throw cause;
      if ((cause as { status?: number }).status === 413) throw tooLarge(longest);
      throw new MerapiError('wrong_input', `The body cannot be read: ${errorText(cause)}`, { cause });
    } finally {
      stopWatching?.();
    }
    const { rawBody } = context.request;
    return Buffer.isBuffer(rawBody) ? rawBody : Buffer.alloc(0);
  }

  /**
   * Counts the bytes as they arrive, and makes the parser fail when they are too many or arrive too slowly. Returns a function that
   * stops this.
   */
  #watch(context: Context, held: HeldBytes, longest: number): () => void {
    const { patience, rate, bounds } = this.#options;
    const { req } = context;
    const begun = this.#clock.now();
    const stop = () => {
      timer.cancel();
      req.off('data', count);
    };
    // The parser listens for this event and rejects with the error. The connection stays open, so that the response can be sent.
    const abort = (error: MerapiError) => {
      stop();
      if (req.listenerCount('error') > 0) req.emit('error', error);
    };
    const count = (chunk: Buffer) => {
      const outcome = held.take(chunk.length);
      if (held.bytes > longest) abort(tooLarge(longest));
      else if (outcome !== 'taken') abort(tooManyBytes(outcome, bounds));
    };
    const checkProgress = () => {
      const left = begun + patience + (held.bytes / rate) * 1000 - this.#clock.now();
      if (left > 0) {
        timer = this.#clock.timer(left, checkProgress);
        return;
      }
      context.set('Connection', 'close');
      abort(tooSlow(req, held.bytes, this.#options));
    };
    let timer = this.#clock.timer(patience, checkProgress);
    req.prependListener('data', count);
    return stop;
  }
}

/** The share of the memory budget that one body holds. */
class HeldBytes {
  readonly #budget: Budget;
  readonly #user: string | null;
  bytes = 0;

  constructor(budget: Budget, user: string | null) {
    this.#budget = budget;
    this.#user = user;
  }

  take(bytes: number): 'taken' | 'each' | 'all' {
    const outcome = this.#budget.take(this.#user, bytes);
    if (outcome === 'taken') this.bytes += bytes;
    return outcome;
  }

  release(): void {
    this.#budget.giveBack(this.#user, this.bytes);
    this.bytes = 0;
  }
}

/** The error for a body that is longer than the method accepts. */
const tooLarge = (longest: number) =>
  new MerapiError('too_large', `The body of this request may have at most ${longest / MiB} MiB`);

/** The error for bodies that together exceed a bound on memory. @param bound the one that is exceeded */
function tooManyBytes(bound: 'each' | 'all', bounds: Bounds): MerapiError {
  const who = bound === 'each' ? 'one user' : 'all users together';
  return new MerapiError(
    'unavailable',
    `The request bodies of ${who} may take ${bounds[bound] / MiB} MiB of memory at once; try again when other requests have been answered`,
  );
}

/** The error for a body of which too little has arrived so far. */
function tooSlow(request: IncomingMessage, bytes: number, { patience, rate }: BodyOptions): MerapiError {
  const length = request.headers['content-length'];
  const received = length === undefined ? `${bytes} bytes` : `${bytes} of ${length} bytes`;
  return new MerapiError(
    'wrong_input',
    `The body arrived too slowly: ${received}; it must arrive within ${patience / 1000} s plus 1 s for each ${rate / 1024} KiB`,
  );
}

/** Whether a body is short enough to be read without limits on its time and memory. */
function isShort({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= AT_ONCE;
}

/** Whether a request has a body, or may have one: with a Transfer-Encoding that is known only when the first byte arrives. */
function mayHaveBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Refuses a body that is not JSON, if there is one: with a Transfer-Encoding a body may still turn out to be empty.
 * @throws RefusedRequest 415
 */
async function refuseType(request: IncomingMessage, isExpected: boolean): Promise<Body> {
  const { 'transfer-encoding': coding, 'content-type': type = '' } = request.headers;
  if (coding === undefined || (isExpected && (await hasFirstByte(request))))
    throw new RefusedRequest(
      415,
      `The Content-Type of a body must be exactly '${MEDIA_TYPE}', not '${type}'`,
    );
  return noBody;
}

/** Whether the body of a request has a first byte. */
function hasFirstByte(request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    request.on('data', () => resolve(true));
    request.on('close', () => resolve(false));
    request.on('end', () => resolve(false));
  });
}

/**
 * Reads and discards the remainder of a request's body; otherwise its sender would wait for that, and the connection could not
 * serve another request. Cuts the connection after 128 MiB.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || !mayHaveBody(request)) return;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DISCARDED) request.destroy();
  });
  request.resume();
}

/** @throws MerapiError wrong_input for invalid UTF-8, which would otherwise be replaced silently */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MerapiError('wrong_input', 'The body is not valid UTF-8', { cause });
  }
}
