import { z } from 'zod';
import { MerapiError } from '../../base/errors.ts';
import { hostNamed } from '../../model/lookup.ts';
import type { ObjectTable } from '../../model/view.ts';
import { type FieldKind, ResultStatus } from '../../query/define.ts';
import { type ResourceName, resources } from '../../query/resources.ts';
import type { Call, Method } from './resource.ts';
import { jsonList } from './stream.ts';

/** Schemas of the values of fields, by the fields' kinds. A value that is not known now is null. */
const schemas: Readonly<Record<FieldKind, z.ZodType>> = {
  text: z.string().nullable(),
  bool: z.boolean().nullable(),
  number: z.number().nullable(),
  float: z.number().nullable(),
  unit: z.number().nullable().describe('MiB'),
  timestamp: z.number().nullable().describe('seconds since 1970'),
  other: z.unknown(),
  unknown: z.unknown(),
};

/** What the docs tell of one object with these fields. */
export function rowSchema(resource: ResourceName, fields: readonly string[]): z.ZodType {
  const table = resources[resource];
  return z.object(
    Object.fromEntries(
      fields.map((name) => {
        const field = table.get(name);
        return [name, schemas[field?.kind ?? 'unknown'].describe(field?.doc ?? name)];
      }),
    ),
  );
}

/** What the docs tell of a listing. */
export function listed(
  resource: ResourceName,
  fields: readonly string[],
  key: 'id' | 'name',
): Pick<Method, 'doc' | 'args' | 'answer'> {
  return {
    doc: `All ${resource}s: the name and address of each, or with \`bulk=1\` all about each.`,
    args: { bulk: { kind: 'flag', doc: 'Tell all about each, not only its name.' } },
    answer: z.union([
      z.array(z.object({ [key]: z.string(), uri: z.string() })),
      z.array(rowSchema(resource, fields)),
    ]),
  };
}

/** What the docs tell of the description of one object. */
export function described(resource: ResourceName, fields: readonly string[]): Pick<Method, 'doc' | 'answer'> {
  return { doc: `All about one ${resource}.`, answer: rowSchema(resource, fields) };
}

type Row = Record<string, unknown>;

/** Which objects a request may name by the beginning of their names up to a dot, as Ganeti allows. */
export type Naming = 'full' | 'abbreviated';

/**
 * The object of the view that a path names, by its name or uuid.
 * @param kind what it is, for the message.
 * @throws MerapiError not_found
 */
export function find<T extends { name: string }>(
  table: ObjectTable<T>,
  text: string,
  kind: string,
  naming: Naming,
): T {
  const exact = table.named(text) ?? table.get(text);
  if (exact) return exact;
  const found = naming === 'abbreviated' ? hostNamed(table, text) : undefined;
  if (found) return found;
  throw new MerapiError('not_found', `There is no ${kind} '${text}'`);
}

/**
 * The wanted fields of the one object with this full name; values that are not known now are null.
 * @throws MerapiError not_found when it has just gone.
 */
export function row(call: Call, resource: string, fields: readonly string[], name: string): Promise<Row> {
  return queriedRow(call, resource, fields, 'name', name);
}

/** The same of the one object whose field `key` has this value. @throws MerapiError not_found */
export async function queriedRow(
  call: Call,
  resource: string,
  fields: readonly string[],
  key: string,
  name: string,
): Promise<Row> {
  const { data } = await call.manager.query(call.principal, resource, fields, ['=', key, name]);
  const [cells] = data;
  if (!cells) throw new MerapiError('not_found', `There is no ${resource} '${name}'`);
  return Object.fromEntries(
    fields.map((field, place) => {
      const cell = cells[place];
      return [field, cell?.[0] === ResultStatus.NORMAL ? cell[1] : null];
    }),
  );
}

/** Refuses the argument `lock=1`: reads never wait for jobs. @throws MerapiError bad_request */
export function refuseLock(call: Call): void {
  if (call.query.flag('lock'))
    throw new MerapiError('bad_request', "Argument 'lock' must be 0: reading under locks is not supported");
}

/**
 * The answer of a listing: with `bulk=1` all fields of all objects, else the name and address of each.
 * @param key the name of the key under which the short form gives the object's name.
 * @throws MerapiError bad_request
 */
export function listing(
  call: Call,
  resource: string,
  fields: readonly string[],
  table: ObjectTable<{ name: string }>,
  key: 'id' | 'name',
): unknown {
  refuseLock(call);
  if (call.query.flag('bulk')) return jsonList(call.manager.listing(call.principal, resource, fields));
  return table.list().map(({ name }) => ({ [key]: name, uri: `/2/${resource}s/${name}` }));
}
