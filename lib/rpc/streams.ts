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

/** Paths of the server under which other nodes' workers read what was offered to them. */
export const STREAMS = '/stream/';

/** Data that the worker of one other node may read. */
export interface Offer {
  /** The name of that node, whose role its certificate shows. */
  to: string;
  compress: Compression;
  /** Makes the data; called again each time that somebody reads it. */
  open(): Promise<Readable>;
}

/** What stands behind the data of a stream: that it is whole, or why it is not. */
const END = 'Merapi-End';
const OK = 'ok';

/** How long an offer stands, and how long data may stay away in the middle of a stream, in milliseconds. */
const KEPT = 24 * 3600_000;
const SILENCE = 600_000;
/** How long it may take to reach the other node, in milliseconds. */
const CONNECT = 10_000;
/** zlib's levels of what compresses. */
const levels = { 'gzip-fast': 1, gzip: 6, 'gzip-slow': 9 } as const;

/** What this worker offers to others. It is forgotten when it has been read to its end, after a day, and with the worker. */
export class Streams {
  readonly #offers = new Map<string, { offer: Offer; timer: Timer }>();
  readonly #log: Logger;
  readonly #clock: Clock;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Offers data under an id; an earlier offer of this id is forgotten. */
  offer(id: string, offer: Offer): void {
    this.#forget(id);
    this.#offers.set(id, { offer, timer: this.#clock.timer(KEPT, () => this.#forget(id)).unref() });
  }

  /** Answers the request of another node's worker for a stream. A stream that cannot be completed tells why at its end. */
  async serve(peer: Role, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = (message.url ?? '').slice(STREAMS.length);
    const found = this.#offers.get(id)?.offer;
    if (message.method !== 'GET' || found === undefined || nodeRole(found.to) !== peer) {
      this.#log.warn({ peer, id }, 'refused a stream that is not offered to who asks for it');
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

/** How a stream is read. */
interface Reading {
  /** Ends it early. */
  signal: AbortSignal;
  /** Hears how many bytes have come over the net. */
  tell: Tell;
  /** How many will come; null when that is not known. */
  total: number | null;
}

/**
 * Reads what another node's worker offers, to its end, and gives it to `use`.
 * @throws MerapiError execution when it is not offered or breaks off; and what `use` throws
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
    new MerapiError('execution', `The data from node ${node} did not come: ${errorText(cause)}`, { cause });
  try {
    const address = host.includes(':') ? `[${host}]` : host;
    const answer = await request(`https://${address}:${port}${STREAMS}${id}`, {
      dispatcher: agent,
      signal,
    });
    if (answer.statusCode !== 200) throw broken(told((await answer.body.text()).trim()));
    const { trailers } = answer;
    const end = () => (trailers as Record<string, string | undefined>)[END.toLowerCase()];
    const coming = counted(answer.body, (done) => tell({ text: 'receiving', done, total }));
    const data = checked(coming, end, broken);
    await use(unpacked(data, compress));
  } catch (error) {
    throw error instanceof MerapiError ? error : broken(error);
  } finally {
    await agent.destroy();
  }
}

const told = (text: string) => new MerapiError('execution', text);

/** The data as it goes on its way. */
export function packed(data: Readable, compress: Compression): Readable {
  if (compress === 'none') return data;
  const gzip = createGzip({ level: levels[compress] });
  pipeline(data, gzip).catch(() => undefined); // whoever reads it learns of the failure
  return gzip;
}

/** The same data; `onBytes` hears how much of it has gone by. */
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

/** The data as it was before packed(). */
export function unpacked(data: Readable, compress: Compression): Readable {
  if (compress === 'none') return data;
  const gunzip = createGunzip();
  pipeline(data, gunzip).catch(() => undefined);
  return gunzip;
}

/** Writes data to a stream as fast as that takes it, and does not end it. @throws Error when it is closed */
async function writeAll(data: AsyncIterable<Buffer>, target: Writable): Promise<void> {
  const closed = new AbortController();
  const close = () => closed.abort(told('the reader has gone'));
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

/** The same data; its failures, and an end that is none, are those of the stream. */
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
    if (end === undefined) throw broken(told('it broke off'));
    if (end !== OK) throw broken(told(decodeURIComponent(end)));
  };
  return Readable.from(read(), { objectMode: false });
}
