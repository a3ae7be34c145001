import type { ParamKind, ParamKinds } from '../../model/enforce.ts';
import type { Field, FieldKind, FieldTable, Matching } from '../define.ts';

const maker =
  (kind: FieldKind) =>
  (title: string, doc: string, matching?: Matching): Field =>
    matching ? { title, kind, doc, matching } : { title, kind, doc };

/** Makers of fields, one for each kind; each takes the title, a sentence, and how filters match where the kind does not tell. */
export const text = maker('text');
export const bool = maker('bool');
export const number = maker('number');
export const unit = maker('unit');
export const timestamp = maker('timestamp');
export const other = maker('other');

/** A field that holds a list. */
export const list = (title: string, doc: string): Field => other(title, doc, 'list');

/** The same field as one that only users may see. */
export const forUsers = (field: Field): Field => ({ ...field, access: 'read' });

/** The same field as one whose value comes from the facts that nodes tell. */
export const live = (field: Field): Field => ({ ...field, live: true });

const paramFieldKinds: Readonly<Record<ParamKind, FieldKind>> = {
  bool: 'bool',
  int: 'number',
  float: 'float',
  size: 'unit',
  string: 'other',
  'maybe-string': 'other',
};

/** A field `PREFIX/NAME` for every parameter of a set; those without a title of their own are titled by their name. */
export function paramFields(
  prefix: string,
  kinds: ParamKinds,
  titles: Readonly<Record<string, string>>,
  what: string,
): Record<string, Field> {
  const fields: Record<string, Field> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const title = Object.hasOwn(titles, name) ? (titles[name] as string) : `${prefix}/${name}`;
    fields[`${prefix}/${name}`] = {
      title,
      kind: paramFieldKinds[kind],
      doc: `The ${what} ${name}, with all defaults filled in.`,
    };
  }
  return fields;
}

/** Fields `NAME/0` to `NAME/COUNT-1` of each family; titles and sentences get the number. */
export function indexedFields(
  families: Readonly<Record<string, Field>>,
  count: number,
): Record<string, Field> {
  const fields: Record<string, Field> = {};
  for (const [name, field] of Object.entries(families))
    for (let index = 0; index < count; index++)
      fields[`${name}/${index}`] = {
        ...field,
        title: `${field.title}/${index}`,
        doc: field.doc.replace('#', String(index)),
      };
  return fields;
}

const orderKey = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(4, '0'));

/** All fields of a resource as a table in Ganeti's order: by character, numbers by their value. */
export function fieldTable(...parts: readonly Readonly<Record<string, Field>>[]): FieldTable {
  const entries = parts
    .flatMap((part) => Object.entries(part))
    .map((entry) => [orderKey(entry[0]), entry] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return new Map(entries.map(([, entry]) => entry));
}
