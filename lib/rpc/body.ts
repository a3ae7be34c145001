import type { IncomingMessage } from 'node:http';
import { MerapiError } from '../base/errors.ts';

/** The longest body of a call, in bytes. */
const BODY_LIMIT = 64 * 1024 * 1024;

/**
 * Reads the whole body of a call. A body beyond the limit is read to its end but not kept: a client that is still sending would not
 * read the answer.
 * @throws MerapiError too_large
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_LIMIT) chunks.length = 0;
    else chunks.push(chunk);
  }
  if (size > BODY_LIMIT)
    throw new MerapiError('too_large', `The request has ${size} bytes; at most ${BODY_LIMIT} are allowed`);
  return Buffer.concat(chunks).toString('utf8');
}
