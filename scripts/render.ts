// The texts of docs/generated, made from the registries alone: the same code always gives the same texts.
import { z } from 'zod';
import { commonParams } from '../lib/model/params.ts';
import type { Opcode, Params } from '../lib/opcodes/define.ts';
import { opcodes } from '../lib/opcodes/registry.ts';
import type { FieldTable } from '../lib/query/define.ts';
import { resources as queryResources } from '../lib/query/resources.ts';
import { calls } from '../lib/rpc/registry.ts';
import * as wireTypes from '../lib/rpc/types.ts';
import { resources } from '../lib/surfaces/rapi/registry.ts';
import { lockPlanOf } from './example-cluster.ts';
import { sourcesOf } from './sources.ts';

const MADE = '<!-- Made by `npm run docs`; change the registries, not this file. -->';

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string) => `\`${cell(text)}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const page = (...parts: readonly string[]) => `${[MADE, ...parts].join('\n\n')}\n`;

/** What zod gives for a schema, as far as it is described here. */
interface JsonSchema {
  /** The name under which the schema is described elsewhere on the page. */
  title?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
}

/** A schema as a short text, e.g. `{name: string, sizes: [integer], note?: string or null}`. */
function notation(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.anyOf) return schema.anyOf.map(notation).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (schema.type === 'array') {
    if (schema.prefixItems) return `[${schema.prefixItems.map(notation).join(', ')}]`;
    return `[${notation(schema.items ?? {})} …]`;
  }
  if (schema.type === 'object') {
    const { properties = {}, required = [], additionalProperties: other } = schema;
    const members = Object.entries(properties).map(
      ([name, value]) => `${name}${required.includes(name) ? '' : '?'}: ${notation(value)}`,
    );
    if (typeof other === 'object') members.push(`…: ${notation(other)}`);
    return `{${members.join(', ')}}`;
  }
  return [schema.type ?? 'anything'].flat().join(' or ');
}

/** The schemas that calls have in common, by name. */
const named: ReadonlyMap<unknown, string> = new Map(
  Object.entries(wireTypes).map(([name, schema]) => [schema, name]),
);

function shape(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, {
    unrepresentable: 'any',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const isInner = (zodSchema as unknown) !== schema;
      if (isInner && named.has(zodSchema)) jsonSchema.title = named.get(zodSchema);
    },
  });
  return code(notation(json as JsonSchema));
}

const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

const who = { look: 'everybody', read: 'users with `read` or `write`', write: 'users with `write`' } as const;

function rapi(): string {
  const rows = resources.flatMap(({ path, methods }) =>
    Object.entries(methods).map(([method, { access, opcode }]) => [
      code(path),
      method,
      who[access],
      opcode ? `[${opcode}](opcodes.md#${anchor(opcode)})` : '',
    ]),
  );
  return page(
    '# The remote API',
    [
      '`{name}` stands for a name, `{id}` for a number. A method with an opcode submits a job and answers its id, a number;',
      'its parameters are those of the opcode: some from the path and the query, the others from the body. With',
      '`--require-authentication` what everybody may do needs a user too.',
    ].join('\n'),
    table(['path', 'method', 'who may', 'opcode'], rows),
  );
}

function paramTable(params: Params): string {
  const rows = Object.entries(params).map(([name, param]) => [
    code(name),
    cell(param.type),
    param.required ? 'required' : code(JSON.stringify(param.default)),
    cell(param.doc) + (param.secret ? ' Never shown.' : ''),
  ]);
  return table(['parameter', 'type', 'default', 'meaning'], rows);
}

function opcodeSection(opcode: Opcode): string {
  const { opcode: definition, unit, calls: made } = sourcesOf(opcode.id);
  const link = (name: string) => `[${name}](calls.md#${anchor(name)})`;
  return [
    `## ${opcode.id}`,
    opcode.summary,
    Object.keys(opcode.params).length > 0 ? paramTable(opcode.params) : 'It has no parameters of its own.',
    [
      `- Example: ${code(JSON.stringify({ OP_ID: opcode.id, ...opcode.example }))}`,
      `- Who may submit it: ${who[opcode.access ?? 'write']}`,
      `- Locks of the example: ${lockPlanOf(opcode)}`,
      `- Result: ${shape(opcode.result)}`,
      `- Calls on nodes that it may make: ${made.map(link).join(', ') || 'none'}`,
      `- Defined in \`${definition}\`, done in \`${unit}\``,
    ].join('\n'),
  ].join('\n\n');
}

function opcodePage(): string {
  const sorted = Object.values(opcodes as unknown as Record<string, Opcode>).sort((a, b) =>
    a.id < b.id ? -1 : 1,
  );
  return page(
    '# Opcodes',
    "What can stand in a job. Types are in Ganeti's notation.",
    '## Parameters of every opcode',
    paramTable(commonParams),
    ...sorted.map(opcodeSection),
  );
}

/** The rows of a table of fields; fields that differ only in a number at their end share a row. */
function fieldRows(fields: FieldTable): string[][] {
  const last = new Map<string, string>();
  for (const name of fields.keys()) last.set(name.replace(/\/\d+$/, '/#'), name);
  return [...fields].flatMap(([name, field]) => {
    const family = name.replace(/\/\d+$/, '/#');
    if (family !== name && !name.endsWith('/0')) return [];
    const to = last.get(family) ?? name;
    const names = to === name ? code(name) : `${code(name)} … ${code(to)}`;
    return [
      [
        names,
        field.matching ? `${field.kind} (${field.matching})` : field.kind,
        cell(field.title),
        cell(field.doc),
      ],
    ];
  });
}

function fieldPage(): string {
  const sections = Object.entries(queryResources).flatMap(([name, fields]) => [
    `## ${name}`,
    table(['field', 'kind', 'title', 'meaning'], fieldRows(fields)),
  ]);
  return page(
    '# Fields of queries',
    [
      'What `/2/query/RESOURCE` can be asked for. The kind decides how filters compare; a word in brackets tells what the kind',
      'does not: a `host` name may be abbreviated, a `time` is a pair that compares as a number, a `list` can only be searched.',
    ].join('\n'),
    ...sections,
  );
}

function callPage(): string {
  const sections = Object.values(calls).map((call) =>
    [
      `## ${call.name}`,
      call.summary,
      [
        `- Parameters: ${shape(call.params)}`,
        `- Result: ${shape(call.result)}`,
        `- ${call.mutates ? 'Changes the node: it carries the id of a step, and the worker journals its outcome.' : 'Changes nothing.'}`,
        `- The master waits at most ${call.timeout / 1000} s.`,
      ].join('\n'),
    ].join('\n\n'),
  );
  return page(
    '# Calls between master and node workers',
    'How they travel stands in `lib/rpc/wire.ts`.',
    ...sections,
    '## Types',
    table(
      ['type', 'form'],
      Object.entries(wireTypes).map(([name, schema]) => [name, shape(schema)]),
    ),
  );
}

/** The generated pages by their path in the repository. */
export function generatedDocs(): Map<string, string> {
  return new Map([
    ['docs/generated/rapi.md', rapi()],
    ['docs/generated/opcodes.md', opcodePage()],
    ['docs/generated/fields.md', fieldPage()],
    ['docs/generated/calls.md', callPage()],
  ]);
}
