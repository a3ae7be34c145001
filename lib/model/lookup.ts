import { expandName } from './names.ts';
import type { ObjectTable } from './view.ts';

/** The object that a host name in a request stands for: in any letter case, and abbreviated up to a dot where that is clear. */
export function hostNamed<T extends { name: string }>(table: ObjectTable<T>, text: string): T | undefined {
  const exact = table.named(text.toLowerCase());
  if (exact) return exact;
  const names = table.list().map((object) => object.name);
  const full = expandName(text, names);
  return full === null ? undefined : table.named(full);
}
