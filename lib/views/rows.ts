// Finds the rows of a query: by lookups where the filter permits them, otherwise all objects of the table.
import { compareNames } from '../model/names.ts';
import type { ObjectTable } from '../model/view.ts';
import type { FieldTable } from '../query/define.ts';
import { lookupKeys } from '../query/evaluate.ts';
import type { Filter } from '../query/language.ts';

/** An object of a table, by its uuid and its name. */
interface Named {
  readonly uuid: string;
  readonly name: string;
}

/** Up to this number of abbreviations, a name is compared with each; beyond it, the prefixes of the name are looked up in a set. */
const MAX_COMPARED = 8;

/** Returns a function that says whether a host name starts with one of these abbreviations, up to a dot. */
function abbreviatedBy(wanted: ReadonlySet<string>): (name: string) => boolean {
  if (wanted.size <= MAX_COMPARED) {
    const prefixes = [...wanted].map((each) => `${each}.`);
    return (name) => prefixes.some((prefix) => name.startsWith(prefix));
  }
  return (name) => {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      if (wanted.has(name.slice(0, dot))) return true;
    return false;
  };
}

/**
 * The objects with these host names, by an exact name or else by an abbreviation. All abbreviations together cost one pass over all
 * names.
 */
function byHostNames<T extends Named>(table: ObjectTable<T>, wanted: Iterable<string>): T[] {
  const found: T[] = [];
  const missing = new Set<string>();
  for (const text of wanted) {
    const name = text.toLowerCase();
    const object = table.named(name);
    if (object) found.push(object);
    else missing.add(name);
  }
  if (missing.size === 0) return found;
  const abbreviated = abbreviatedBy(missing);
  return [...found, ...table.list().filter((object) => abbreviated(object.name))];
}

/**
 * The objects that may match a filter, in the order of their names; the filter must still be applied to them. A filter that demands
 * certain uuids or names is answered by lookups, so its cost does not grow with the number of objects.
 */
export function candidates<T extends Named>(
  table: ObjectTable<T>,
  fields: FieldTable,
  filter: Filter | null,
): readonly T[] {
  const uuids = lookupKeys(filter, 'uuid');
  const names = uuids ? null : lookupKeys(filter, 'name');
  if (!uuids && !names) return table.list();
  const texts = [...(uuids ?? names ?? [])].map(String);
  let objects: (T | undefined)[];
  if (uuids) objects = texts.map((uuid) => table.get(uuid));
  else if (fields.get('name')?.matching === 'host') objects = byHostNames(table, texts);
  else objects = texts.map((name) => table.named(name));
  const found = new Set(objects.filter((object) => object !== undefined));
  return [...found].sort((a, b) => compareNames(a.name, b.name));
}
