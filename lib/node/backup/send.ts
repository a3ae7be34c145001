// The sending side of a transfer to another cluster; arrivals.ts is the receiving side, and describes the protocol.
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { TlsFiles } from '../../base/tls.ts';
import type { CallContext } from '../../rpc/server.ts';
import { counted, packed } from '../../rpc/streams.ts';
import type { Compression } from '../../rpc/types.ts';

/** Milliseconds for an announcement to be answered. */
const ANNOUNCE_TIMEOUT = 20_000;

/** The most that is read of an answer of the other cluster, in bytes, and the most that an error repeats of its message, in characters. */
const ANSWER_LIMIT = 64 * 1024;
const MESSAGE_LIMIT = 2000;

const Answer = z.object({ bytes: z.number().int().optional(), message: z.string().optional() });

/** Where another cluster waits for the data of a disk. */
interface Destination {
  host: string;
  port: number;
  /** The secret of the disk. */
  secret: string;
}

/**
 * Announces to another cluster that data will come (POST), or withdraws that (DELETE). Best effort: it is sent once and never fails,
 * because a cluster that does not get it stops waiting by itself.
 */
export async function announce(
  to: Destination,
  tls: TlsFiles,
  method: 'POST' | 'DELETE',
  clock: Clock,
): Promise<void> {
  const late = clock.timeout(ANNOUNCE_TIMEOUT);
  const agent = agentFor(tls);
  try {
    const answer = await request(urlOf(to), {
      method,
      dispatcher: agent,
      signal: late.signal,
    });
    await answer.body.dump();
  } catch {
    // best effort, see above
  } finally {
    late.cancel();
    await agent.destroy();
  }
}

/**
 * Sends the data of a disk to another cluster and waits until that has written it. Returns how many bytes went over the network, which
 * are those after compression.
 * @throws MerapiError execution when the data cannot be sent or the other cluster fails; the MerapiError of `data` when that fails
 */
export async function sendToCluster(
  data: Readable,
  to: Destination,
  tls: TlsFiles,
  compress: Compression,
  { signal, tell }: Pick<CallContext, 'signal' | 'tell'>,
): Promise<number> {
  let cause: unknown = null;
  data.on('error', (error) => {
    cause = error;
  });
  const agent = agentFor(tls);
  try {
    const answer = await request(urlOf(to), {
      method: 'PUT',
      dispatcher: agent,
      signal,
      headers: compress === 'none' ? {} : { 'content-encoding': 'gzip' },
      body: Readable.from(
        counted(packed(data, compress), (done) => tell({ text: 'sending', done, total: null })),
        { objectMode: false },
      ),
    });
    const { bytes, message } = Answer.parse(await answer.body.json());
    if (answer.statusCode !== 200 || bytes === undefined)
      throw new MerapiError(
        'execution',
        `The other cluster failed: ${message?.slice(0, MESSAGE_LIMIT) ?? answer.statusCode}`,
      );
    return bytes;
  } catch (error) {
    if (cause instanceof MerapiError) throw cause;
    if (error instanceof MerapiError) throw error;
    const where = `${to.host} port ${to.port}`;
    throw new MerapiError('execution', `Cannot send the data to ${where}: ${errorText(cause ?? error)}`, {
      cause: error,
    });
  } finally {
    data.destroy();
    await agent.destroy();
  }
}

function agentFor(tls: TlsFiles): Agent {
  // `ca` is the other side's own certificate, so the names in that certificate need no check.
  const connect = { ...tls, checkServerIdentity: () => undefined, timeout: 30_000 };
  return new Agent({ connect, headersTimeout: 0, bodyTimeout: 0, maxResponseSize: ANSWER_LIMIT });
}

function urlOf({ host, port, secret }: Destination): string {
  const address = host.includes(':') ? `[${host}]` : host;
  return `https://${address}:${port}/${secret}`;
}
