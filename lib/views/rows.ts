import { compareNames } from '../model/names.ts';
import type { ObjectTable } from '../model/view.ts';
import type { FieldTable } from '../query/define.ts';
import { lookupKeys } from '../query/evaluate.ts';
import type { Filter } from '../query/language.ts';

interface Named {
  readonly uuid: string;
  readonly name: string;
}

/** Up to how many abbreviations each name is compared with all of them; beyond, its beginnings are looked up. */
const FEW = 8;

/** Tells whether a name has one of these abbreviations: its first labels, up to a dot. */
function abbreviatedBy(wanted: ReadonlySet<string>): (name: string) => boolean {
  if (wanted.size <= FEW) {
    const beginnings = [...wanted].map((each) => `${each}.`);
    return (name) => beginnings.some((beginning) => name.startsWith(beginning));
  }
  return (name) => {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      if (wanted.has(name.slice(0, dot))) return true;
    return false;
  };
}

/** Objects with these host names. An exact name wins over abbreviations, which cost one walk over all names. */
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
 * The objects that may pass a filter, in the order of their names. A filter that asks for certain names or uuids is answered
 * by looking them up, whatever the number of objects.
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
