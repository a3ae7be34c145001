// Listings and descriptions of objects, which all resources with named objects share: their documentation and their handlers.
import * as z from 'zod';
import { MerapiError } from '../../base/errors.ts';
import type { NamedKind } from '../../model/access.ts';
import type { FieldKind } from '../../query/define.ts';
import { type ResourceName, resources } from '../../query/resources.ts';
import { jsonListing } from './listed.ts';
import { type Call, item, type Method } from './resource.ts';

/** The schema of a field's value, by the field's kind. A value that is not known at the moment is null. */
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

/** The schema of one object with these fields, for the docs. */
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

/** The documentation of a method that lists all objects of a resource; listing() is its handler. */
export function listingDocs(
  resource: ResourceName,
  fields: readonly string[],
  key: 'id' | 'name',
): Pick<Method, 'doc' | 'args' | 'answer'> {
  return {
    doc: `Lists all ${resource}s: the name and URI of each, or with \`bulk=1\` all fields of each.`,
    args: { bulk: { kind: 'flag', doc: 'Return all fields of each object, not only its name and URI.' } },
    answer: z.union([
      z.array(z.object({ [key]: z.string(), uri: z.string() })),
      z.array(rowSchema(resource, fields)),
    ]),
  };
}

/** The documentation of a method that describes one object; readObject() reads its fields. */
export function descriptionDocs(
  resource: ResourceName,
  fields: readonly string[],
): Pick<Method, 'doc' | 'answer'> {
  return { doc: `Returns all fields of one ${resource}.`, answer: rowSchema(resource, fields) };
}

/**
 * The given fields of the object that the path names by its name or uuid; values that are not known at the moment are null.
 * @throws MerapiError not_found
 */
export async function readObject(
  call: Call,
  kind: NamedKind,
  fields: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const { manager, principal } = call;
  const { uuid } = manager.find(principal, kind, item(call));
  return manager.describe(principal, kind, fields, uuid);
}

/** Refuses the argument `lock=1`, by which Ganeti reads under locks: reads never wait for jobs here. @throws MerapiError wrong_input */
export function refuseLock(call: Call): void {
  if (call.query.flag('lock'))
    throw new MerapiError('wrong_input', "Argument 'lock' must be 0: reading under locks is not supported");
}

/**
 * A listing: with `bulk=1` these fields of all objects, otherwise the name and URI of each.
 * @param key the key of the name in the short form, which Ganeti calls `id` or `name` depending on the resource
 * @throws MerapiError wrong_input for `lock=1`
 */
export function listing(call: Call, kind: NamedKind, fields: readonly string[], key: 'id' | 'name'): unknown {
  refuseLock(call);
  if (call.query.flag('bulk')) return jsonListing(call.manager.listing(call.principal, kind, fields));
  const names = call.manager.names(call.principal, kind);
  return names.map(({ name }) => ({ [key]: name, uri: `/2/${kind}s/${name}` }));
}
