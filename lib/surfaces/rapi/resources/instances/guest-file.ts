// The files of guests: read and written as bytes, or in base64 as JSON.
import * as z from 'zod';
import { MerapiError } from '../../../../base/errors.ts';
import { base64 } from '../../../../model/guest-agent/structures.ts';
import { type Argument, type Call, item, type Method, secretBodyAs } from '../../resource.ts';
import { Octets } from '../../stream.ts';
import { submit } from '../../submit.ts';
import { numberArgument } from './guest-arguments.ts';

/** The most bytes of a file that one request reads as JSON; as bytes it may read any number. */
const MOST_AS_JSON = 16 * 1024 * 1024;

const pathArgument: Argument = { kind: 'text', doc: 'The path of the file in the guest.' };

function pathOf({ query }: Call): string {
  const path = query.text('path');
  if (path !== null) return path;
  throw new MerapiError(
    'wrong_input',
    "Argument 'path' is missing: the path of a file in the guest, e.g. /etc/hostname",
  );
}

export const readFile: Method = {
  access: 'guest-file-read',
  opcode: null,
  doc: 'The content of a file as bytes; with `format=json` as JSON in base64, at most 16 MiB.',
  args: {
    path: pathArgument,
    offset: { kind: 'text', doc: 'The first byte that is read; by default 0.' },
    count: { kind: 'text', doc: 'How many bytes are read at most; by default all.' },
    format: { kind: 'text', doc: '`bytes` or `json`; by default `bytes`.' },
  },
  answer: z.union([
    z.unknown().describe('the bytes (application/octet-stream)'),
    z.object({ content: z.string(), eof: z.boolean(), truncated: z.boolean() }),
  ]),
  example: { items: ['web1.example.com'], args: [['path', '/etc/hostname']] },
  handle: async (call) => {
    const format = call.query.text('format') ?? 'bytes';
    if (format !== 'bytes' && format !== 'json')
      throw new MerapiError('wrong_input', `Argument 'format' must be bytes or json, not '${format}'`);
    const count = numberArgument(call, 'count', 0, Number.MAX_SAFE_INTEGER);
    const most =
      format === 'json' ? Math.min(count ?? MOST_AS_JSON, MOST_AS_JSON) : (count ?? Number.MAX_SAFE_INTEGER);
    const file = {
      path: pathOf(call),
      offset: numberArgument(call, 'offset', 0, Number.MAX_SAFE_INTEGER) ?? 0,
      count: format === 'json' ? most + 1 : most, // one more tells whether there is more
      signal: call.signal(),
    };
    const chunks = call.manager.guestFile(call.principal, item(call), file);
    if (format === 'bytes') return new Octets(chunks);
    const parts: Buffer[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const content = Buffer.concat(parts);
    const eof = content.length <= most;
    return { content: content.subarray(0, most).toString('base64'), eof, truncated: !eof };
  },
};

const FileBody = z.strictObject({
  path: z.string().min(1),
  content: base64,
  mode: z.enum(['w', 'a']).default('w'),
});

export const writeFile: Method = {
  access: 'guest-file-write',
  opcode: 'OP_GUEST_FILE_WRITE',
  doc: 'Writes a file. The content is the body (application/octet-stream, `path` in the URL), or in base64 in a JSON body.',
  args: {
    path: pathArgument,
    mode: { kind: 'text', doc: '`w` writes in place of the present content, `a` after it; by default `w`.' },
    reason: { kind: 'text', doc: 'The reason for the change; it is added to the reason trail.' },
  },
  body: FileBody,
  octets: true,
  example: { items: ['web1.example.com'], body: { path: '/etc/motd', content: 'aGVsbG8K' } },
  handle: async (call) => {
    const { path, mode, data } = call.octets ? octetsOf(call, call.octets) : jsonOf(call);
    const name = item(call);
    const sent = await call.manager.uploadForGuest(call.principal, name, data, call.signal());
    const params = { ...sent, instance_name: name, path, append: mode === 'a' };
    return submit(call, 'OP_GUEST_FILE_WRITE', params);
  },
};

interface FileToWrite {
  path: string;
  mode: 'w' | 'a';
  data: AsyncIterable<Buffer>;
}

function octetsOf(call: Call, data: AsyncIterable<Buffer>): FileToWrite {
  const mode = call.query.text('mode') ?? 'w';
  if (mode !== 'w' && mode !== 'a')
    throw new MerapiError('wrong_input', `Argument 'mode' must be w or a, not '${mode}'`);
  return { path: pathOf(call), mode, data };
}

function jsonOf(call: Call): FileToWrite {
  const { path, mode, content } = secretBodyAs(call, FileBody);
  const data = (async function* () {
    yield Buffer.from(content, 'base64');
  })();
  return { path, mode, data };
}
