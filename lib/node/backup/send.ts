import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { errorText, MerapiError } from '../../base/errors.ts';
import type { TlsFiles } from '../../base/tls.ts';
import type { CallContext } from '../../rpc/server.ts';
import { counted, packed } from '../../rpc/streams.ts';
import type { Compression } from '../../rpc/types.ts';

/** Milliseconds for a promise to be heard. */
const HEARING = 20_000;

const Answer = z.object({ bytes: z.number().int().optional(), message: z.string().optional() });

/** Where another cluster waits for the data of a disk. */
interface Place {
  host: string;
  port: number;
  /** Under which it waits. */
  secret: string;
}

/**
 * Promises another cluster that data will come, or takes that back. It is told once; whether it heard that does not matter, for
 * one that hears nothing waits for a time.
 */
export async function promise(
  to: Place,
  tls: TlsFiles,
  method: 'POST' | 'DELETE',
  clock: Clock,
): Promise<void> {
  const late = clock.timeout(HEARING);
  const agent = agentFor(tls);
  try {
    const answer = await request(urlOf(to), {
      method,
      dispatcher: agent,
      signal: late.signal,
    });
    await answer.body.dump();
  } catch {
    // As said above.
  } finally {
    late.cancel();
    await agent.destroy();
  }
}

/**
 * Sends data to another cluster that waits for it under a secret, and waits until that has done with it. Answers how many bytes
 * went over the net.
 * @throws MerapiError execution when it cannot be sent or is not taken; and the failure of the data
 */
export async function sendAway(
  data: Readable,
  to: Place,
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
    const said = Answer.parse(await answer.body.json());
    if (answer.statusCode !== 200 || said.bytes === undefined)
      throw new MerapiError('execution', `The other cluster failed: ${said.message ?? answer.statusCode}`);
    return said.bytes;
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
  // The one certificate that is trusted is the other side's own, whatever names it holds.
  const connect = { ...tls, checkServerIdentity: () => undefined, timeout: 30_000 };
  return new Agent({ connect, headersTimeout: 0, bodyTimeout: 0 });
}

function urlOf({ host, port, secret }: Place): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}/${secret}`;
}
