// Streams of data (disks, exports) from one node's worker to another's. The master tells the first worker to offer data under an id to
// a named node, and the second one to read it. The sender ends a stream with the trailer Merapi-End: without `ok` there, the data is
// incomplete and the reader fails.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Agent, request } from 'undici';
import type { Clock, Timer } from '../base/clock.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { nodeRole, type Role } from '../base/roles.ts';
import type { TlsSource } from '../base/tls.ts';
import type { Tell } from '../model/progress.ts';
import { connectorTo } from './peers.ts';
import type { Compression, StreamSource } from './types.ts';

/** The prefix of the paths under which other nodes' workers read streams. */
export const STREAMS = '/stream/';

/** Data that the worker of one other node may read. */
export interface Offer {
  /** The name of that node; the client's certificate must have its role. */
  to: string;
  compress: Compression;
  /** Opens the data; called for each request. */
  open(): Promise<Readable>;
}

/** The trailer of a stream: OK when the data is complete, otherwise the percent-encoded reason. */
const END = 'Merapi-End';
const OK = 'ok';

/** How long an offer is valid, and how long a stream may pause, in milliseconds. */
const KEPT = 24 * 3600_000;
const SILENCE = 600_000;
/** How long it may take to connect to the other node, in milliseconds. */
const CONNECT = 10_000;
/** zlib's compression levels. */
const levels = { 'gzip-fast': 1, gzip: 6, 'gzip-slow': 9 } as const;

/** The offers of this worker, in memory. An offer ends when it has been read completely, after a day, and with the process. */
export class Streams {
  readonly #offers = new Map<string, { offer: Offer; timer: Timer }>();
  readonly #log: Logger;
  readonly #clock: Clock;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Offers data under an id, and replaces an earlier offer with this id. */
  offer(id: string, offer: Offer): void {
    this.#forget(id);
    this.#offers.set(id, { offer, timer: this.#clock.timer(KEPT, () => this.#forget(id)).unref() });
  }

  /** Answers the request of another node's worker. A stream that fails has the reason in its trailer. */
  async serve(peer: Role, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = (message.url ?? '').slice(STREAMS.length);
    const found = this.#offers.get(id)?.offer;
    if (message.method !== 'GET' || found === undefined || nodeRole(found.to) !== peer) {
      this.#log.warn({ peer, id }, 'refused a stream that is not offered to this node');
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end(`No stream ${id} is offered to ${peer}\n`);
      return;
    }
    let end = OK;
    try {
      const data = await found.open();
      response.writeHead(200, { 'content-type': 'application/octet-stream', trailer: END });
      await writeAll(packed(data, found.compress), response);
      if (this.#offers.get(id)?.offer === found) this.#forget(id);
    } catch (error) {
      this.#log.warn({ err: error, peer, id }, 'a stream broke off');
      if (!response.headersSent) response.writeHead(200, { trailer: END });
      end = encodeURIComponent(errorText(error));
    }
    response.addTrailers({ [END]: end });
    response.end();
  }

  #forget(id: string): void {
    this.#offers.get(id)?.timer.cancel();
    this.#offers.delete(id);
  }
}

/** Options of readStream(). */
interface Reading {
  /** Ends it early. */
  signal: AbortSignal;
  /** Receives the number of bytes that have arrived over the network. */
  tell: Tell;
  /** The expected number of bytes; null when it is not known. */
  total: number | null;
}

/**
 * Reads a stream that another node's worker offers, and passes the uncompressed data to `use`.
 * @throws MerapiError execution when it is not offered, cannot be reached or is incomplete; and what `use` throws
 */
export async function readStream(
  source: StreamSource,
  tls: TlsSource,
  { signal, tell, total }: Reading,
  use: (data: Readable) => Promise<void>,
): Promise<void> {
  const { node, host, port, id, compress } = source;
  const agent = new Agent({ connect: connectorTo(node, tls, { timeout: CONNECT }), bodyTimeout: SILENCE });
  const broken = (cause: unknown) =>
    new MerapiError('execution', `The data from node ${node} could not be read: ${errorText(cause)}`, {
      cause,
    });
  try {
    const address = host.includes(':') ? `[${host}]` : host;
    const answer = await request(`https://${address}:${port}${STREAMS}${id}`, {
      dispatcher: agent,
      signal,
    });
    if (answer.statusCode !== 200) throw broken(failed((await answer.body.text()).trim()));
    const { trailers } = answer;
    const end = () => (trailers as Record<string, string | undefined>)[END.toLowerCase()];
    const received = counted(answer.body, (done) => tell({ text: 'receiving', done, total }));
    const data = checked(received, end, broken);
    await use(unpacked(data, compress));
  } catch (error) {
    throw error instanceof MerapiError ? error : broken(error);
  } finally {
    await agent.destroy();
  }
}

const failed = (text: string) => new MerapiError('execution', text);

/** Compresses data for the transfer. */
export function packed(data: Readable, compress: Compression): Readable {
  if (compress === 'none') return data;
  const gzip = createGzip({ level: levels[compress] });
  pipeline(data, gzip).catch(() => undefined); // it destroys gzip, so the reader gets the failure
  return gzip;
}

/** Passes data through, and calls `onBytes` with the number of bytes so far. */
export async function* counted(
  data: AsyncIterable<Buffer>,
  onBytes: (done: number) => void,
): AsyncGenerator<Buffer> {
  let done = 0;
  for await (const chunk of data) {
    done += chunk.length;
    onBytes(done);
    yield chunk;
  }
}

/** The reverse of packed(). */
export function unpacked(data: Readable, compress: Compression): Readable {
  if (compress === 'none') return data;
  const gunzip = createGunzip();
  pipeline(data, gunzip).catch(() => undefined);
  return gunzip;
}

/** Writes data to a stream with backpressure, and does not end the stream. @throws Error when the stream is closed */
async function writeAll(data: AsyncIterable<Buffer>, target: Writable): Promise<void> {
  const closed = new AbortController();
  const close = () => closed.abort(failed('the reader has disconnected'));
  target.on('close', close).on('error', close);
  try {
    for await (const chunk of data) {
      closed.signal.throwIfAborted();
      if (!target.write(chunk)) await once(target, 'drain', { signal: closed.signal });
    }
  } finally {
    target.off('close', close).off('error', close);
  }
}

/** Passes data through; fails with `broken` when the connection fails, or when the trailer does not say that the data is complete. */
function checked(
  data: AsyncIterable<Buffer>,
  endOf: () => string | undefined,
  broken: (cause: unknown) => MerapiError,
): Readable {
  const read = async function* () {
    try {
      yield* data;
    } catch (error) {
      throw broken(error);
    }
    const end = endOf();
    if (end === undefined) throw broken(failed('the connection was closed before the end'));
    if (end !== OK) throw broken(failed(decodeURIComponent(end)));
  };
  return Readable.from(read(), { objectMode: false });
}
