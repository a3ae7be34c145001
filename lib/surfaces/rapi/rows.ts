import * as z from 'zod';
import { MerapiError } from '../../base/errors.ts';
import type { NamedKind } from '../../model/access.ts';
import type { FieldKind } from '../../query/define.ts';
import { type ResourceName, resources } from '../../query/resources.ts';
import { jsonListing } from './listed.ts';
import { type Call, item, type Method } from './resource.ts';

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

/**
 * The wanted fields of the object that the path names, by its name or uuid; values that are not known now are null.
 * @throws MerapiError not_found
 */
export async function row(
  call: Call,
  kind: NamedKind,
  fields: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const { manager, principal } = call;
  const { uuid } = manager.find(principal, kind, item(call));
  return manager.describe(principal, kind, fields, uuid);
}

/** Refuses the argument `lock=1`: reads never wait for jobs. @throws MerapiError wrong_input */
export function refuseLock(call: Call): void {
  if (call.query.flag('lock'))
    throw new MerapiError('wrong_input', "Argument 'lock' must be 0: reading under locks is not supported");
}

/**
 * The answer of a listing: with `bulk=1` all fields of all objects, else the name and address of each.
 * @param key the name of the key under which the short form gives the object's name.
 * @throws MerapiError wrong_input
 */
export function listing(call: Call, kind: NamedKind, fields: readonly string[], key: 'id' | 'name'): unknown {
  refuseLock(call);
  if (call.query.flag('bulk')) return jsonListing(call.manager.listing(call.principal, kind, fields));
  const names = call.manager.names(call.principal, kind);
  return names.map(({ name }) => ({ [key]: name, uri: `/2/${kind}s/${name}` }));
}
