import { Map as ImmutableMap } from 'immutable';
import { compareNames } from '../model/names.ts';
import type { ObjectTable } from '../model/view.ts';

interface Named {
  uuid: string;
  name: string;
}

/** How many changes a sorted list may lag behind before it is updated. */
const MAX_LAG = 256;

/**
 * A persistent table of objects with unique names: a change returns a new table, at a cost that does not depend on its size. The sorted
 * list is made when it is first asked for: from the list of an earlier table and the changes since, or else by sorting everything.
 */
export class Table<T extends Named> implements ObjectTable<T> {
  readonly #objects: ImmutableMap<string, T>;
  readonly #names: ImmutableMap<string, string>;
  #list: readonly T[] | null = null;
  /** An earlier table's list, with the changes since: [before, after]. */
  #base: { list: readonly T[]; lag: readonly [T | undefined, T | undefined][] } | null = null;

  constructor(
    objects: ImmutableMap<string, T> = ImmutableMap(),
    names: ImmutableMap<string, string> = ImmutableMap(),
  ) {
    this.#objects = objects;
    this.#names = names;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(uuid: string): T | undefined {
    return this.#objects.get(uuid);
  }

  named(name: string): T | undefined {
    const uuid = this.#names.get(name);
    return uuid === undefined ? undefined : this.#objects.get(uuid);
  }

  list(): readonly T[] {
    if (!this.#list) this.#list = this.#base ? applyLag(this.#base.list, this.#base.lag) : this.#sorted();
    this.#base = null;
    return this.#list;
  }

  /** The table with an object added or replaced. */
  with(object: T): Table<T> {
    const before = this.#objects.get(object.uuid);
    const names = before && before.name !== object.name ? this.#namesWithout(before) : this.#names;
    return this.#derive(
      this.#objects.set(object.uuid, object),
      names.set(object.name, object.uuid),
      before,
      object,
    );
  }

  /** The table without an object. */
  without(uuid: string): Table<T> {
    const before = this.#objects.get(uuid);
    if (!before) return this;
    return this.#derive(this.#objects.remove(uuid), this.#namesWithout(before), before, undefined);
  }

  /** Removes the object's name, unless another object has taken it in the same commit. */
  #namesWithout(object: T): ImmutableMap<string, string> {
    return this.#names.get(object.name) === object.uuid ? this.#names.remove(object.name) : this.#names;
  }

  #derive(
    objects: ImmutableMap<string, T>,
    names: ImmutableMap<string, string>,
    before: T | undefined,
    after: T | undefined,
  ): Table<T> {
    const table = new Table(objects, names);
    if (this.#base && this.#base.lag.length >= MAX_LAG) this.list();
    if (this.#list) table.#base = { list: this.#list, lag: [[before, after]] };
    else if (this.#base) table.#base = { list: this.#base.list, lag: [...this.#base.lag, [before, after]] };
    return table;
  }

  #sorted(): readonly T[] {
    return [...this.#objects.values()].sort(compare);
  }
}

function applyLag<T extends Named>(
  base: readonly T[],
  lag: readonly [T | undefined, T | undefined][],
): readonly T[] {
  const list = [...base];
  for (const [before, after] of lag) {
    if (before && after && before.name === after.name) list[indexOf(list, before)] = after;
    else {
      if (before) list.splice(indexOf(list, before), 1);
      if (after) list.splice(indexOf(list, after), 0, after);
    }
  }
  return list;
}

/** The index of the first object that is not before this one. */
function indexOf(list: readonly Named[], object: Named): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle] as Named, object) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The order of names, then of uuids: within one commit two objects may have the same name for a moment. */
function compare(a: Named, b: Named): number {
  return compareNames(a.name, b.name) || (a.uuid < b.uuid ? -1 : Number(a.uuid > b.uuid));
}
