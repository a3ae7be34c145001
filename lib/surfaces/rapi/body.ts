import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import bodyParser from 'koa-bodyparser';
import { errorText, MerapiError } from '../../base/errors.ts';
import { type Json, parseJson } from '../../base/json.ts';

const MEDIA_TYPE = 'application/json';
const LIMIT = '64mb';
/** Deeper values than this are refused: whoever walks through them must not run out of stack. */
const MAX_DEPTH = 200;

// The parser hands over the bytes alone: as JSON it would round long integers and refuse bare texts and null.
const parserOptions = {
  enableTypes: ['text'],
  extendTypes: { text: [MEDIA_TYPE] },
  textLimit: LIMIT,
  encoding: null,
};
const parse = bodyParser(parserOptions);

/**
 * Reads and parses the body of a request; undefined when it has none, of whatever type.
 * @throws MerapiError unsupported_media_type, too_large, bad_request
 */
export async function readBody(context: Context): Promise<Json | undefined> {
  const { headers } = context.req;
  if (headers['content-type']?.toLowerCase() !== MEDIA_TYPE) {
    if (!(await hasBody(context.req))) return undefined;
    throw new MerapiError(
      'unsupported_media_type',
      `The Content-Type of a body must be exactly '${MEDIA_TYPE}', not '${headers['content-type'] ?? ''}'`,
    );
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new MerapiError('unsupported_media_type', 'Bodies must come without a Content-Encoding');
  const bytes = await readBytes(context);
  if (bytes.length === 0) return undefined;
  const value = parseJson(decode(bytes));
  if (isDeeper(value, MAX_DEPTH))
    throw new MerapiError('bad_request', `The body is nested more than ${MAX_DEPTH} levels deep`);
  return value;
}

function hasBody(request: IncomingMessage): Promise<boolean> {
  if (request.headers['transfer-encoding'] === undefined)
    return Promise.resolve(Number(request.headers['content-length'] ?? 0) > 0);
  return new Promise((resolve) => {
    request.on('data', () => resolve(true));
    request.on('close', () => resolve(false));
    request.on('end', () => resolve(false));
  });
}

async function readBytes(context: Context): Promise<Buffer> {
  try {
    await parse(context, async () => undefined);
  } catch (cause) {
    if ((cause as { status?: number }).status === 413)
      throw new MerapiError('too_large', 'The body may have at most 64 MiB', { cause });
    throw new MerapiError('bad_request', `The body cannot be read: ${errorText(cause)}`, { cause });
  }
  const { rawBody } = context.request;
  return Buffer.isBuffer(rawBody) ? rawBody : Buffer.alloc(0);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MerapiError('bad_request', 'The body is not valid UTF-8', { cause });
  }
}

function isDeeper(value: Json, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (levels === 0) return true;
  return Object.values(value).some((item) => isDeeper(item, levels - 1));
}
