// Pieces of the generated pages.

import { z } from 'zod';
import { type Action, guestRights } from '../lib/model/access.ts';
import * as wireTypes from '../lib/rpc/types.ts';

const MADE = '<!-- Made by `npm run docs`; change the registries, not this file. -->';

export const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
export const code = (text: string) => `\`${cell(text)}\``;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const page = (...parts: readonly string[]) => `${[MADE, ...parts].join('\n\n')}\n`;

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

export function shape(schema: z.ZodType): string {
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

export const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

/** Who may do what needs this right. */
export const who = {
  look: 'everybody',
  read: 'users with `read` or `write`',
  write: 'users with `write`',
  ...Object.fromEntries(guestRights.map((right) => [right, `users with \`${right}\` or \`write\``])),
} as Readonly<Record<Action, string>>;
