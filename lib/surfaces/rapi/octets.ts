import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { LongAnswers } from './answers.ts';
import { OCTETS } from './body.ts';
import type { Octets } from './stream.ts';

/** Sends bytes while they are made. An error before the first of them still becomes an error response; a later one cuts the connection. */
export async function writeOctets(
  context: Context,
  { chunks }: Octets,
  answers: LongAnswers,
  user: string | null,
): Promise<void> {
  const rest = chunks[Symbol.asyncIterator]();
  const first = await rest.next();
  try {
    await answers.enter(user, context.res);
  } catch (error) {
    await rest.return?.();
    throw error;
  }
  context.status = 200;
  context.set('Content-Type', OCTETS);
  const all = (async function* () {
    try {
      for (let next = first; !next.done; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  })();
  context.body = Readable.from(answers.withTimeout(all, context.res), { objectMode: false });
}
