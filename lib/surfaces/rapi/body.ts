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
const MiB = 1024 * 1024;

/** Whoever walks through the values of a body must not run out of stack, nor need very long. */
const CONTENT = { depth: 200, values: 500_000 };

/** How many bytes the body of one request may have: less where it becomes a job, which is stored and shown. */
const LONGEST = 16 * MiB;
const LONGEST_JOB = 4 * MiB;

/** How many bytes of a body that nobody wants are taken, so that its sender gets to read the answer. */
const UNWANTED = 128 * MiB;

/** How bodies are taken. */
export interface BodyOptions {
  /** Bytes of bodies that are in memory at once. */
  readonly bounds: Bounds;
  /** For how many milliseconds every body is waited for, and how many bytes each further second must bring. */
  readonly patience: number;
  readonly rate: number;
}

export const bodyOptions: BodyOptions = {
  bounds: { each: 32 * MiB, all: 96 * MiB },
  patience: 20_000,
  rate: 64 * 1024,
};

// The parser hands over the bytes alone: as JSON it would round long integers and refuse bare texts and null.
const parserOptions = {
  enableTypes: ['text'],
  extendTypes: { text: [MEDIA_TYPE] },
  textLimit: `${LONGEST / MiB}mb`,
  encoding: null,
};
const parse = bodyParser(parserOptions);

/** What a request's body holds, until release() is called: then its bytes are in memory no more. */
export interface Body {
  readonly value: Json | undefined;
  release(): void;
}

const nothing: Body = { value: undefined, release: () => undefined };

/** Reads the bodies of requests, no more of them at once than fit into memory. */
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
   * Reads and parses the body of a request; its value is undefined when it has none, of whatever type. Of a method that takes no
   * body it is not read at all.
   * @throws RefusedRequest 415, MerapiError too_large, wrong_input, unavailable
   */
  read(context: Context, { body, opcode }: Method, { name }: Principal): Body | Promise<Body> {
    const { headers } = context.req;
    if (!mayHaveBody(context.req)) return nothing;
    if (headers['content-type']?.toLowerCase() !== MEDIA_TYPE)
      return refuseType(context.req, body !== undefined);
    if (!body) return nothing;
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new RefusedRequest(415, 'Bodies must come without a Content-Encoding');
    return this.#take(context, name, opcode === null ? LONGEST : LONGEST_JOB);
  }

  async #take(context: Context, user: string | null, longest: number): Promise<Body> {
    const held = new Held(this.#budget, user);
    try {
      const bytes = await this.#bytes(context, held, longest);
      if (bytes.length === 0) {
        held.release();
        return nothing;
      }
      return {
        value: await parseJsonInSlices(decode(bytes), CONTENT),
        release: () => held.release(),
      };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #bytes(context: Context, held: Held, longest: number): Promise<Buffer> {
    const { req } = context;
    if (Number(req.headers['content-length'] ?? 0) > longest) throw tooLarge(longest);
    const parsed = parse(context, async () => undefined);
    const stop = isShort(req) ? undefined : this.#watch(context, held, longest);
    try {
      await parsed;
    } catch (cause) {
      if (cause instanceof MerapiError) throw cause;
      if ((cause as { status?: number }).status === 413) throw tooLarge(longest);
      throw new MerapiError('wrong_input', `The body cannot be read: ${errorText(cause)}`, { cause });
    } finally {
      stop?.();
    }
    const { rawBody } = context.request;
    return Buffer.isBuffer(rawBody) ? rawBody : Buffer.alloc(0);
  }

  /** Counts the bytes that come, and gives the body up when they are too many or too slow. Answers how to stop that. */
  #watch(context: Context, held: Held, longest: number): () => void {
    const { patience, rate, bounds } = this.#options;
    const { req } = context;
    const begun = this.#clock.now();
    const stop = () => {
      timer.cancel();
      req.off('data', count);
    };
    // The parser is told by the event that it listens for; the connection is left as it is, so that the answer can be sent.
    const giveUp = (error: MerapiError) => {
      stop();
      if (req.listenerCount('error') > 0) req.emit('error', error);
    };
    const count = (chunk: Buffer) => {
      const outcome = held.take(chunk.length);
      if (held.bytes > longest) giveUp(tooLarge(longest));
      else if (outcome !== 'taken') giveUp(tooMany(outcome, bounds));
    };
    const look = () => {
      const left = begun + patience + (held.bytes / rate) * 1000 - this.#clock.now();
      if (left > 0) {
        timer = this.#clock.timer(left, look);
        return;
      }
      context.set('Connection', 'close');
      giveUp(tooSlow(req, held.bytes, this.#options));
    };
    let timer = this.#clock.timer(patience, look);
    req.prependListener('data', count);
    return stop;
  }
}

/** The bytes of one body that are in memory. */
class Held {
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

const tooLarge = (longest: number) =>
  new MerapiError('too_large', `The body may have at most ${longest / MiB} MiB here`);

function tooMany(whose: 'each' | 'all', bounds: Bounds): MerapiError {
  const who = whose === 'each' ? 'one user' : 'all users together';
  return new MerapiError(
    'unavailable',
    `The bodies of requests may take ${bounds[whose] / MiB} MiB of ${who} at once; send this one again when others have been answered`,
  );
}

function tooSlow(request: IncomingMessage, bytes: number, { patience, rate }: BodyOptions): MerapiError {
  const length = request.headers['content-length'];
  const came = length === undefined ? `${bytes} bytes` : `${bytes} of ${length} bytes`;
  return new MerapiError(
    'wrong_input',
    `The body came too slowly: ${came}; it must be there after ${patience / 1000} s and 1 s for each ${rate / 1024} KiB`,
  );
}

/** Whether a body is so short that it need not be watched. */
function isShort({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= AT_ONCE;
}

/** Whether a request has a body, or may have one: of one without a length that is not known yet. */
function mayHaveBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Refuses a body of another type than JSON, if there is one. */
async function refuseType(request: IncomingMessage, isWanted: boolean): Promise<Body> {
  const { 'transfer-encoding': coding, 'content-type': type = '' } = request.headers;
  if (coding === undefined || (isWanted && (await begins(request))))
    throw new RefusedRequest(
      415,
      `The Content-Type of a body must be exactly '${MEDIA_TYPE}', not '${type}'`,
    );
  return nothing;
}

/** Whether the body of a request has a first byte. */
function begins(request: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    request.on('data', () => resolve(true));
    request.on('close', () => resolve(false));
    request.on('end', () => resolve(false));
  });
}

/** Takes what is left of a request's body, or its sender waits for that and the connection cannot be used again. */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || !mayHaveBody(request)) return;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > UNWANTED) request.destroy();
  });
  request.resume();
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MerapiError('wrong_input', 'The body is not valid UTF-8', { cause });
  }
}
