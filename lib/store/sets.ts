import { type Map as ImmutableMap, Set as ImmutableSet } from 'immutable';
import { compareNames } from '../model/names.ts';

/** A persistent index: sets of uuids by a key. */
export type Index = ImmutableMap<string, ImmutableSet<string>>;

/** The objects under a key, in the order of their names. */
export function members<T extends { name: string }>(
  index: Index,
  key: string,
  table: { get(uuid: string): T | undefined },
): T[] {
  const uuids = index.get(key);
  if (!uuids) return [];
  const found: T[] = [];
  for (const uuid of uuids) {
    const object = table.get(uuid);
    if (object) found.push(object);
  }
  return found.sort((a, b) => compareNames(a.name, b.name));
}

/** Adds an object under a key. */
export function enter(index: Index, key: string, uuid: string): Index {
  return index.set(key, (index.get(key) ?? ImmutableSet<string>()).add(uuid));
}

/** Removes an object under a key. */
export function leave(index: Index, key: string, uuid: string): Index {
  const rest = index.get(key)?.remove(uuid);
  return rest && rest.size > 0 ? index.set(key, rest) : index.remove(key);
}
