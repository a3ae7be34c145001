// The text of docs/rapi.md: every resource of the API.
import { z } from 'zod';
import type { Status } from '../lib/surfaces/rapi/errors.ts';
import { sentenceOf } from '../lib/surfaces/rapi/openapi.ts';
import { resources } from '../lib/surfaces/rapi/registry.ts';
import type { Method, Resource } from '../lib/surfaces/rapi/resource.ts';
import { anchor, cell, code, page, shape, table, who } from './markdown.ts';

const kinds = { flag: '0 or 1', text: 'text', texts: 'text, may be repeated' } as const;

function argumentTable({ args = {} }: Method): string[] {
  const rows = Object.entries(args).map(([name, { kind, doc }]) => [code(name), kinds[kind], cell(doc)]);
  return rows.length === 0 ? [] : [table(['argument', 'value', 'meaning'], rows)];
}

/** The members of a body, where it is an object with known ones. */
function bodyTable({ body }: Method): string[] {
  if (!body) return [];
  const { properties, required = [] } = z.toJSONSchema(body, { unrepresentable: 'any', io: 'input' });
  if (!properties) return [`Body: ${shape(body)}`];
  const rows = Object.entries(properties).map(([name, about]) => [
    code(name),
    shape(z.fromJSONSchema(about as never)),
    required.includes(name) ? 'required' : '',
    cell((about as { description?: string }).description ?? ''),
  ]);
  return [table(['in the body', 'type', '', 'meaning'], rows)];
}

/** The objects of the examples, by the word of the path before their names. */
const named: Readonly<Record<string, string>> = {
  nodes: 'node1.example.com',
  groups: 'default',
  instances: 'web1.example.com',
  networks: 'net1',
  jobs: '7',
  filters: '309e3407-e4be-4e07-9b7f-30b6d10e241f',
};

/** A line that runs as it stands, if the cluster has these objects. */
function curl(path: string, name: string, { access, example }: Method): string {
  const items = [...(example?.items ?? [])];
  const address = path.replace(/(\w+)\/\{\w+\}/g, (_, noun) => `${noun}/${items.shift() ?? named[noun]}`);
  const args = (example?.args ?? []).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
  const url = `https://cluster.example.com:5080${address}${args && `?${args}`}`;
  const how = name === 'GET' && example?.body === undefined ? '' : ` -X ${name}`;
  const user = access === 'look' ? '' : ' -u alice:s3cret';
  const body =
    example?.body === undefined
      ? ''
      : ` -H 'Content-Type: application/json' -d '${JSON.stringify(example.body)}'`;
  return `curl${user}${how}${body} '${url}'`;
}

function methodSection({ path }: Resource, name: string, method: Method): string {
  const { opcode, access, answer } = method;
  const isJob = opcode !== null && answer === undefined;
  const link = opcode ? `[${opcode}](generated/opcodes.md#${anchor(opcode)})` : '';
  return [
    `### ${name} ${path}`,
    sentenceOf(method),
    [
      `- Who may: ${who[access]}.`,
      isJob
        ? `- Answers the id of a job with ${link}, a number.`
        : `- Answers ${answer ? shape(answer) : 'JSON'}.`,
    ].join('\n'),
    `\`\`\`sh\n${curl(path, name, method)}\n\`\`\``,
    ...argumentTable(method),
    ...bodyTable(method),
  ].join('\n\n');
}

/** When a request is answered with each status. */
const refusals: Readonly<Record<Status, string>> = {
  400: 'arguments or body are wrong, or the state of what they name does not allow it; the text names each',
  401: 'no user, or a wrong password',
  403: 'the user may not do this, or a page of another site sent the request',
  404: 'there is no such path or object',
  409: 'the `Idempotency-Key` was sent before with another request; or the guest that is asked does not run, or its file systems are frozen',
  413: 'the body has more than 16 MiB, or 4 MiB where it becomes a job, or more than 500,000 values',
  415: 'the body is not of the type `application/json`',
  500: "a defect, or a failure of the master's machine; an `error-…` in the text names the entry of the master's log that says more",
  501: 'the path does not have this method, or the guest agent does not have the command',
  502: 'a node does not answer, or a guest agent refuses a command; `detail` has its words',
  503: 'the master is starting or stopping, or cannot write its store; the job queue is drained; or too much is asked at once; or no agent runs in the guest',
  504: 'a node or a guest agent does not answer in time',
};

/** The page of the API. */
export function rapiPage(): string {
  return page(
    '# The remote API',
    [
      '`{name}` stands for the name or uuid of an object, `{id}` for a number. A method with an opcode submits a job and answers its',
      'id; what the job then does, and how it fails, is told by `/2/jobs/{id}`. With `--require-authentication` what everybody may do',
      'needs a user too, and 401 comes before 404 and 501. The same as an OpenAPI document: `GET /2/openapi.json`. The examples leave out',
      '`--cacert DIR/certificates/ca.pem`, which curl needs unless the server has a certificate that the machine trusts.',
    ].join('\n'),
    '## Errors',
    [
      'A request that is refused answers `{"code": STATUS, "message": TEXT, "explain": TEXT}`, and leaves nothing behind. `explain` is',
      'the fixed sentence of the status. In 401, 403, 404 and 415 `message` is fixed too ("Not Found"), for clients match Ganeti\'s',
      'texts; there a further key `detail` tells what was wrong in this case ("There is no instance \'web1\'").',
    ].join('\n'),
    table(['status', 'when'], Object.entries(refusals)),
    '## Resources',
    ...resources.flatMap((resource) =>
      Object.entries(resource.methods).map(([name, method]) => methodSection(resource, name, method)),
    ),
  );
}
