import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { createGunzip, createGzip } from 'node:zlib';
import { Agent, request } from 'undici';
import { errorText, MerapiError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { TlsFiles } from '../base/tls.ts';
import type { Compression, StreamSource } from './types.ts';

/** Paths of the server under which other nodes' workers read what was offered to them. */
export const STREAMS = '/stream/';

/** Data that the worker of one other node may read. */
export interface Offer {
  /** The name of that node, which its certificate shows. */
  to: string;
  compress: Compression;
  /** Makes the data; called anew each time that somebody reads it. */
  open(): Promise<Readable>;
}

/** How long an offer stands, and how long data may stay away in the middle of a stream, in milliseconds. */
const KEPT = 24 * 3600_000;
const SILENCE = 600_000;
/** zlib's levels of what compresses. */
const levels = { 'gzip-fast': 1, gzip: 6, 'gzip-slow': 9 } as const;

/** What this worker offers to others. It is forgotten when it has been read to its end, after a day, and with the worker. */
export class Streams {
  readonly #offers = new Map<string, { offer: Offer; timer: NodeJS.Timeout }>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Offers data under an id; an earlier offer of this id is forgotten. */
  offer(id: string, offer: Offer): void {
    this.#forget(id);
    this.#offers.set(id, { offer, timer: setTimeout(() => this.#forget(id), KEPT).unref() });
  }

  /** Answers the request of another node's worker for a stream. A stream that cannot be completed ends without an end. */
  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = (message.url ?? '').slice(STREAMS.length);
    const peer = (message.socket as TLSSocket).getPeerCertificate().subject?.CN;
    const found = this.#offers.get(id)?.offer;
    if (message.method !== 'GET' || found?.to !== peer || found === undefined) {
      this.#log.warn({ peer, id }, 'refused a stream that is not offered to who asks for it');
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end(`No stream ${id} is offered to ${peer}\n`);
      return;
    }
    try {
      const data = await found.open();
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      if (found.compress === 'none') await pipeline(data, response);
      else await pipeline(data, createGzip({ level: levels[found.compress] }), response);
      if (this.#offers.get(id)?.offer === found) this.#forget(id);
    } catch (error) {
      this.#log.warn({ err: error, peer, id }, 'a stream broke off');
      response.destroy();
    }
  }

  #forget(id: string): void {
    clearTimeout(this.#offers.get(id)?.timer);
    this.#offers.delete(id);
  }
}

/**
 * Reads what another node's worker offers, to its end, and gives it to `use`.
 * @throws MerapiError execution when it is not offered or breaks off; and what `use` throws
 */
export async function readStream(
  source: StreamSource,
  tls: TlsFiles,
  signal: AbortSignal,
  use: (data: Readable) => Promise<void>,
): Promise<void> {
  const { node, host, port, id, compress } = source;
  const { ca, cert, key } = tls;
  const agent = new Agent({ connect: { ca, cert, key, servername: node }, bodyTimeout: SILENCE });
  const broken = (cause: unknown) =>
    new MerapiError('execution', `The data from node ${node} did not come: ${errorText(cause)}`, { cause });
  try {
    const address = host.includes(':') ? `[${host}]` : host;
    const answer = await request(`https://${address}:${port}${STREAMS}${id}`, {
      dispatcher: agent,
      signal,
    });
    if (answer.statusCode !== 200) throw broken((await answer.body.text()).trim());
    const data = checked(answer.body, broken);
    if (compress === 'none') return await use(data);
    const unpacked = createGunzip();
    await Promise.all([pipeline(data, unpacked), use(unpacked)]);
  } catch (error) {
    throw error instanceof MerapiError ? error : broken(error);
  } finally {
    await agent.destroy();
  }
}

/** The same data; its failures are those of the stream. */
function checked(data: Readable, broken: (cause: unknown) => MerapiError): Readable {
  const read = async function* () {
    try {
      yield* data;
    } catch (error) {
      throw broken(error);
    }
  };
  return Readable.from(read(), { objectMode: false });
}
