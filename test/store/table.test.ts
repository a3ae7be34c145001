import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareNames } from '../../lib/model/names.ts';
import { Table } from '../../lib/store/table.ts';

interface Thing {
  uuid: string;
  name: string;
  value: number;
}

type Edit =
  | { kind: 'put'; thing: Thing }
  | { kind: 'remove'; uuid: string }
  /** Exchanges two names, so that for a moment two objects have the same one. */
  | { kind: 'swap'; first: string; second: string }
  /** Asks for the list: later lists are then made from this one. */
  | { kind: 'list' };

const uuid = fc.integer({ min: 0, max: 15 }).map((number) => `u${number}`);
// Names that compare in ways that simple sorting gets wrong: digits by their value, upper and lower case, leading zeros.
const name = fc.constantFrom(
  ...[0, 1, 2, 9, 10, 11, 100].flatMap((n) => [`node${n}`, `Node0${n}`, `n${n}.x`]),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ uuid, name, value: fc.nat() }).map((thing) => ({ kind: 'put', thing }) as const),
  },
  { weight: 2, arbitrary: uuid.map((uuid) => ({ kind: 'remove', uuid }) as const) },
  {
    weight: 2,
    arbitrary: fc.tuple(uuid, uuid).map(([first, second]) => ({ kind: 'swap', first, second }) as const),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'list' } as const) },
);

/** What a table must be like, without any cleverness. */
class Naive {
  readonly things = new Map<string, Thing>();

  holder(name: string): Thing | undefined {
    return [...this.things.values()].find((thing) => thing.name === name);
  }

  sorted(): Thing[] {
    return [...this.things.values()].sort((a, b) => compareNames(a.name, b.name));
  }
}

function apply(table: Table<Thing>, naive: Naive, edit: Edit): Table<Thing> {
  switch (edit.kind) {
    case 'put': {
      const holder = naive.holder(edit.thing.name);
      if (holder && holder.uuid !== edit.thing.uuid) return table; // names are unique
      naive.things.set(edit.thing.uuid, edit.thing);
      return table.with(edit.thing);
    }
    case 'remove':
      naive.things.delete(edit.uuid);
      return table.without(edit.uuid);
    case 'swap': {
      const [a, b] = [naive.things.get(edit.first), naive.things.get(edit.second)];
      if (!a || !b || a === b) return table;
      const [newA, newB] = [
        { ...a, name: b.name },
        { ...b, name: a.name },
      ];
      naive.things.set(a.uuid, newA).set(b.uuid, newB);
      return table.with(newA).with(newB);
    }
    case 'list':
      table.list();
      return table;
  }
}

function agrees(table: Table<Thing>, naive: Naive): void {
  const sorted = naive.sorted();
  assert.deepEqual(table.list(), sorted);
  assert.equal(table.size, sorted.length);
  for (const thing of sorted) {
    assert.equal(table.get(thing.uuid), thing);
    assert.equal(table.named(thing.name), thing);
  }
}

describe('table', () => {
  it('agrees with a sorted map after any edits, renames and exchanged names included', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 80, size: 'max' }), (edits) => {
        const naive = new Naive();
        let table = new Table<Thing>();
        for (const each of edits) table = apply(table, naive, each);
        agrees(table, naive);
      }),
      { numRuns: 300 },
    );
  });

  it('is not changed by what is made from it', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 40, size: 'max' }), fc.nat(), (edits, at) => {
        const naive = new Naive();
        let table = new Table<Thing>();
        let kept: { table: Table<Thing>; naive: Naive } | null = null;
        for (const [index, each] of edits.entries()) {
          table = apply(table, naive, each);
          if (index !== at % edits.length) continue;
          const copy = new Naive();
          for (const [key, thing] of naive.things) copy.things.set(key, thing);
          kept = { table, naive: copy };
        }
        if (kept) agrees(kept.table, kept.naive);
      }),
    );
  });

  it('keeps its order beyond the number of changes that it takes over from an earlier list', () => {
    const naive = new Naive();
    let table = new Table<Thing>();
    for (let number = 0; number < 700; number++) {
      const thing = { uuid: `u${number}`, name: `node${(number * 379) % 700}`, value: number };
      table = apply(table, naive, { kind: 'put', thing });
      if (number === 100 || number === 300) table.list();
    }
    agrees(table, naive);
  });

  it('finds a name again that was given to a new object before the old one was removed', () => {
    const old = { uuid: 'old', name: 'web', value: 1 };
    const young = { uuid: 'young', name: 'web', value: 2 };
    const both = new Table<Thing>().with(old);
    both.list();
    const table = both.with(young).without('old');
    assert.equal(table.named('web'), young);
    assert.deepEqual(table.list(), [young]);
  });

  it('knows nothing that it does not hold', () => {
    const table = new Table<Thing>().with({ uuid: 'u', name: 'web', value: 1 });
    assert.equal(table.without('other'), table);
    const renamed = table.with({ uuid: 'u', name: 'www', value: 1 });
    assert.equal(renamed.named('web'), undefined);
    assert.equal(renamed.get('web'), undefined);
  });
});
