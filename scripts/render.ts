// The texts of docs/generated, made from the registries alone: the same code always gives the same texts.

import { commandOf } from '../lib/cli/commands/opcode-names.ts';
import { commonParams } from '../lib/model/params.ts';
import type { Opcode, Params } from '../lib/opcodes/define.ts';
import { type OpcodeId, opcodes } from '../lib/opcodes/registry.ts';
import type { FieldTable } from '../lib/query/define.ts';
import { resources as queryResources } from '../lib/query/resources.ts';
import { calls } from '../lib/rpc/registry.ts';
import * as wireTypes from '../lib/rpc/types.ts';
import { clientRoutes } from './client-routes.ts';
import { lockPlanOf } from './example-cluster.ts';
import { guestAgentPage } from './guest-agent-page.ts';
import { anchor, cell, code, page, shape, table, who } from './markdown.ts';
import { rapiPage } from './rapi-page.ts';
import { sourcesOf } from './sources.ts';

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
  const command = commandOf(opcode.id as OpcodeId) ?? null;
  const link = (name: string) => `[${name}](calls.md#${anchor(name)})`;
  return [
    `## ${opcode.id}`,
    opcode.summary,
    Object.keys(opcode.params).length > 0 ? paramTable(opcode.params) : 'It has no parameters of its own.',
    [
      `- Example: ${code(JSON.stringify({ OP_ID: opcode.id, ...opcode.example }))}`,
      ...(command === null ? [] : [`- Command: \`merapi ${command}\``]),
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
        ...(call.cancellable ? ['- Ends early when its job is cancelled.'] : []),
        `- The master waits at most ${call.timeout / 1000} s without a sign of life.`,
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
    ['docs/rapi.md', rapiPage()],
    ['docs/guest-agent.md', guestAgentPage()],
    ['lib/client/routes.ts', clientRoutes()],
    ['docs/generated/opcodes.md', opcodePage()],
    ['docs/generated/fields.md', fieldPage()],
    ['docs/generated/calls.md', callPage()],
  ]);
}
