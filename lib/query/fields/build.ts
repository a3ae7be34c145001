// Functions to define the fields of a resource. Names, titles and kinds of fields are Ganeti's and pinned by recordings
// (test/query/fields.json); the sentences are Merapi's.
import type { ParamKind, ParamKinds } from '../../model/enforce.ts';
import type { Field, FieldKind, FieldTable, Matching } from '../define.ts';

const definer =
  (kind: FieldKind) =>
  (title: string, doc: string, matching?: Matching): Field =>
    matching ? { title, kind, doc, matching } : { title, kind, doc };

/** Functions that define a field of each kind, from its title, a sentence, and how filters match if the kind does not imply it. */
export const text = definer('text');
export const bool = definer('bool');
export const number = definer('number');
export const unit = definer('unit');
export const timestamp = definer('timestamp');
export const other = definer('other');

/** A field whose value is a list. */
export const list = (title: string, doc: string): Field => other(title, doc, 'list');

/** The field, marked as visible to users only. */
export const forUsers = (field: Field): Field => ({ ...field, access: 'read' });

/** The field, marked as one whose value comes from facts that nodes report. */
export const live = (field: Field): Field => ({ ...field, live: true });

/** The field, marked as Merapi's own. */
export const own = (field: Field): Field => ({ ...field, own: true });

/** The kind of the field of a parameter, by the parameter's kind. */
const paramFieldKinds: Readonly<Record<ParamKind, FieldKind>> = {
  bool: 'bool',
  int: 'number',
  float: 'float',
  size: 'unit',
  string: 'other',
  'maybe-string': 'other',
};

/**
 * A field `PREFIX/NAME` for every parameter of a set.
 * @param titles Ganeti's titles; a parameter without one has the name of its field as its title
 * @param what the set in words, e.g. `node parameter`
 */
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

/** Fields `NAME/0` to `NAME/COUNT-1` of each family. The number is appended to the title, and replaces `#` in the sentence. */
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

/** A key that sorts names by character, but numbers in them by value. */
const orderKey = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(4, '0'));

/** All fields of a resource as a table, in Ganeti's order: by name, numbers in names by value. */
export function fieldTable(...parts: readonly Readonly<Record<string, Field>>[]): FieldTable {
  const entries = parts
    .flatMap((part) => Object.entries(part))
    .map((entry) => [orderKey(entry[0]), entry] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return new Map(entries.map(([, entry]) => entry));
}
