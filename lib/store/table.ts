import { Map as ImmutableMap } from 'immutable';
import { compareNames } from '../model/names.ts';
import type { ObjectTable } from '../model/view.ts';

interface Named {
  uuid: string;
  name: string;
}

/** How many changes a sorted list may lag behind before it is sorted anew instead. */
const MAX_LAG = 256;

/**
 * A persistent table: a change gives a new table and costs the same however many objects there are. The list in the order of
 * names is made when it is first asked for, from the list of an earlier table where that is near.
 */
export class Table<T extends Named> implements ObjectTable<T> {
  readonly #objects: ImmutableMap<string, T>;
  readonly #names: ImmutableMap<string, string>;
  #list: readonly T[] | null = null;
  /** An earlier table's list, with what changed since: [before, after]. */
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

  with(object: T): Table<T> {
    const before = this.#objects.get(object.uuid);
    let names = this.#names;
    if (before && before.name !== object.name) names = names.remove(before.name);
    return this.#derive(
      this.#objects.set(object.uuid, object),
      names.set(object.name, object.uuid),
      before,
      object,
    );
  }

  without(uuid: string): Table<T> {
    const before = this.#objects.get(uuid);
    if (!before) return this;
    return this.#derive(this.#objects.remove(uuid), this.#names.remove(before.name), before, undefined);
  }

  /** A table of many objects at once. */
  static of<T extends Named>(objects: readonly T[]): Table<T> {
    return new Table<T>(
      ImmutableMap(objects.map((object) => [object.uuid, object])),
      ImmutableMap(objects.map((object) => [object.name, object.uuid])),
    );
  }

  #derive(
    objects: ImmutableMap<string, T>,
    names: ImmutableMap<string, string>,
    before: T | undefined,
    after: T | undefined,
  ): Table<T> {
    const table = new Table(objects, names);
    if (this.#list) table.#base = { list: this.#list, lag: [[before, after]] };
    else if (this.#base && this.#base.lag.length < MAX_LAG)
      table.#base = { list: this.#base.list, lag: [...this.#base.lag, [before, after]] };
    return table;
  }

  #sorted(): readonly T[] {
    return [...this.#objects.values()].sort((a, b) => compareNames(a.name, b.name));
  }
}

function applyLag<T extends Named>(
  base: readonly T[],
  lag: readonly [T | undefined, T | undefined][],
): readonly T[] {
  const list = [...base];
  for (const [before, after] of lag) {
    if (before && after && before.name === after.name) list[placeOf(list, before.name)] = after;
    else {
      if (before) list.splice(placeOf(list, before.name), 1);
      if (after) list.splice(placeOf(list, after.name), 0, after);
    }
  }
  return list;
}

/** The index of the first object whose name is not before `name`. */
function placeOf(list: readonly Named[], name: string): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames((list[middle] as Named).name, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
