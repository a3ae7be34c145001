import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MerapiError, toFailure } from '../../lib/base/errors.ts';
import { Abandoned, Journal } from '../../lib/jobs/journal.ts';
import { put, remove } from '../../lib/store/changes.ts';
import { aGroup } from '../helpers/view.ts';
import { deferred } from '../node/helpers.ts';
import { MemoryStore } from './memory-store.ts';

const journalOf = (store: MemoryStore, onWritten = () => undefined) =>
  new Journal(store, 1, 0, store.stored(), new AbortController().signal, onWritten);
const failure = { code: 'hypervisor' as const, message: 'no' };
const fails = () => {
  throw new MerapiError('hypervisor', 'no');
};
const namesWritten = (store: MemoryStore) =>
  store.written.map((changes) =>
    changes.map((change) => `${change.change} ${'name' in change ? change.name : ''}`),
  );

describe('journal', () => {
  it('stores that a step begins before its action, and its outcome before anything that follows', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    const seen: number[] = [];
    assert.equal(await journal.step('a', () => seen.push(store.written.length)), 1);
    await journal.step('b', () => seen.push(store.written.length));
    await journal.write();
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual(namesWritten(store), [['step-begin a'], ['step-end a', 'step-begin b'], ['step-end b']]);
  });

  it('answers a step from the record: what it gave or how it failed, without doing it again', async () => {
    const store = new MemoryStore();
    const first = journalOf(store);
    await first.step('good', async () => ({ n: 1n << 60n }));
    await first.step('nothing', () => undefined);
    await assert.rejects(first.step('bad', fails), failure);
    await assert.rejects(
      first.step('defect', () => JSON.parse('{')),
      { code: 'internal_error' },
    );
    await first.write();
    const again = journalOf(store);
    const never = () => assert.fail('it is not done again');
    assert.deepEqual(await again.step('good', never), { n: 1n << 60n });
    assert.equal(await again.step('nothing', never), null);
    await assert.rejects(again.step('bad', never), failure);
    await assert.rejects(again.step('defect', never), { code: 'internal_error' });
  });

  it('does a step again that began and whose outcome is not known', async () => {
    const store = new MemoryStore();
    await journalOf(store).step('a', () => 1);
    assert.equal(await journalOf(store).step('a', () => 2), 2);
  });

  it('writes nothing for a pure step until something depends on it', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    assert.equal(await journal.step('check', () => 5, { pure: true }), 5);
    assert.deepEqual(store.written, []);
    await journal.step('a', () => undefined);
    assert.deepEqual(namesWritten(store), [['step-end check', 'step-begin a']]);
  });

  it('writes a change of the cluster, its record and all that was kept back in one transaction', async () => {
    const store = new MemoryStore();
    let told = 0;
    const journal = journalOf(store, () => void told++);
    await journal.step('check', () => 5, { pure: true });
    const build = () => [put('nodegroup', aGroup())];
    await journal.commit('group', build);
    assert.deepEqual(namesWritten(store), [['step-end check', 'put ', 'step-end group']]);
    assert.equal(told, 1);
    await journalOf(store).commit('group', () => assert.fail('it is not built again'));
    assert.equal(store.written.length, 1);
  });

  it('records that a change was refused, and writes what was kept back later', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    await journal.step('check', () => 5, { pure: true });
    await assert.rejects(journal.commit('group', fails), failure);
    assert.deepEqual(store.written, []);
    await journal.write();
    assert.deepEqual(namesWritten(store), [['step-end check', 'step-end group']]);
    await assert.rejects(
      journalOf(store).commit('group', () => []),
      failure,
    );
  });

  it('takes a name that is used twice for a defect', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    await journal.step('a', () => 1);
    const twice = { code: 'internal_error', message: /named 'a'/ };
    await assert.rejects(
      journal.step('a', () => 2),
      twice,
    );
    await assert.rejects(
      journal.commit('a', () => []),
      twice,
    );
  });

  it('names recorded steps that were not reached on replay', async () => {
    const store = new MemoryStore();
    const first = journalOf(store);
    for (const name of ['a', 'b', 'c']) await first.step(name, () => 1);
    await first.write();
    const again = journalOf(store);
    await again.step('b', () => 1);
    assert.deepEqual(again.unvisited().sort(), ['a', 'c']);
    await again.step('a', () => 1);
    await again.step('c', () => 1);
    assert.deepEqual(again.unvisited(), []);
  });

  it('abandons everything when the store takes nothing more', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    await journal.step('a', () => 1);
    store.life = 0;
    let done = false;
    await assert.rejects(
      journal.step('b', () => {
        done = true;
      }),
      Abandoned,
    );
    assert.equal(done, false, 'what is not recorded to begin is not done');
    await assert.rejects(
      journal.commit('c', () => []),
      Abandoned,
    );
    await assert.rejects(
      journal.undo(failure).then(() => journal.write()),
      Abandoned,
    );
  });
});

describe('undo', () => {
  it('goes backwards in the order in which steps ended, those with an unknown outcome first', async () => {
    const store = new MemoryStore();
    const order: string[] = [];
    const unit = async (journal: Journal, isFirst: boolean) => {
      const step = (name: string, action: () => Promise<unknown> | unknown = () => 1) =>
        journal.step(name, action, { undo: async () => void order.push(name) });
      await step('a');
      const slow = deferred<void>();
      await Promise.all([step('slow', () => slow.promise), step('quick').then(() => slow.resolve())]);
      await journal.commit(
        'commit',
        () => [],
        async () => void order.push('commit'),
      );
      await step('no undo needed').catch(() => undefined);
      if (isFirst) store.life = 1; // its beginning is stored, its end never will be
      await step('cut off');
      await step('never begun');
    };
    await assert.rejects(unit(journalOf(store), true), Abandoned);
    store.life = Number.POSITIVE_INFINITY;
    // The next life finds that it is to be undone.
    const stored = { ...store.stored(), undo: failure };
    const { signal } = new AbortController();
    const later = new Journal(store, 1, 0, stored, signal, () => undefined);
    assert.deepEqual(later.undoing, failure);
    await assert.rejects(unit(later, false), failure);
    assert.deepEqual(await later.undo(failure), []);
    assert.deepEqual(order, ['cut off', 'no undo needed', 'commit', 'slow', 'quick', 'a']);
    assert.deepEqual(later.unvisited(), []);
  });

  it('begins when all that runs beside the failed step has ended, changes of the cluster included', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    const gate = deferred<void>();
    const events: string[] = [];
    store.delay = async (changes) => {
      if (changes.some((change) => change.change === 'put')) await gate.promise;
    };
    const beside = deferred<void>();
    const work = Promise.all([
      journal.step(
        'beside',
        async () => {
          await beside.promise;
          events.push('beside');
        },
        { undo: async () => void events.push('undo beside') },
      ),
      journal.step('bad', fails),
      journal.commit(
        'group',
        () => [put('nodegroup', aGroup())],
        async () => {
          events.push('undo group');
          await journal.write(() => [remove('nodegroup', 'default-uuid')]);
        },
      ),
    ]);
    // The failing step's own record comes before that of the group, which is held back.
    const undoing = work.catch((error) => journal.undo(toFailure(error)));
    await new Promise((resolve) => setImmediate(resolve));
    beside.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!events.includes('undo beside'), 'the change of the cluster is still under way');
    gate.resolve();
    assert.deepEqual(await undoing, []);
    assert.deepEqual(store.view.groups.list(), [], 'the change was taken back');
    assert.deepEqual(events.toSorted(), ['beside', 'undo beside', 'undo group']);
    assert.equal(events[0], 'beside');
  });

  it('lets no new step begin once it is decided', async () => {
    const store = new MemoryStore();
    const journal = journalOf(store);
    await journal.undo(failure);
    await assert.rejects(
      journal.step('late', () => assert.fail('not any more')),
      failure,
    );
    await assert.rejects(
      journal.commit('later', () => assert.fail('not any more')),
      failure,
    );
  });

  it('goes on after one that fails, and tells what is left; a finished one is not done again after a crash', async () => {
    const store = new MemoryStore();
    const done: string[] = [];
    const unit = async (journal: Journal) => {
      for (const name of ['a', 'b', 'c'])
        await journal.step(name, () => 1, {
          undo: async () => {
            done.push(name);
            if (name === 'b') throw new MerapiError('node_unreachable', 'it is gone');
          },
        });
      throw new MerapiError('hypervisor', 'no');
    };
    const first = journalOf(store);
    await assert.rejects(unit(first), failure);
    assert.deepEqual(await first.undo(failure), [{ step: 'b', reason: 'it is gone', owes: null }]);
    assert.deepEqual(done, ['c', 'b', 'a']);
    // The end of the last undo was kept back, so it is done once more; all others are known.
    const again = journalOf(store);
    await assert.rejects(unit(again), failure);
    assert.deepEqual(again.unvisited(), []);
    assert.deepEqual(await again.undo(failure), [{ step: 'b', reason: 'it is gone', owes: null }]);
    assert.deepEqual(done, ['c', 'b', 'a', 'a']);
  });
});

/** A part of a unit: steps side by side, each of which may fail and may have an undo, which may fail too. */
const step = fc.record({
  kind: fc.constantFrom('step' as const, 'pure' as const, 'commit' as const),
  fails: fc.boolean(),
  undo: fc.constantFrom('none' as const, 'good' as const, 'bad' as const),
  turns: fc.nat(4),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What all lives together did outside of the store: how often, by name. */
class World {
  readonly done = new Map<string, number>();
  readonly present = new Set<string>();

  act(name: string, isGood: boolean): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
    if (isGood) this.present.add(name);
  }
}

async function runUnit(parts: readonly (readonly Step[])[], journal: Journal, world: World): Promise<void> {
  for (const [at, part] of parts.entries()) {
    const outcomes = await Promise.allSettled(
      part.map(async (each, index) => {
        const name = `${at}/${index}`;
        const act = async () => {
          for (let turn = 0; turn < each.turns; turn++) await Promise.resolve();
          world.act(name, !each.fails);
          if (each.fails) throw new MerapiError('hypervisor', name);
        };
        const undo = async () => {
          world.act(`undo/${name}`, false);
          world.present.delete(name);
          if (each.undo === 'bad') throw new MerapiError('hypervisor', 'no way back');
        };
        if (each.kind === 'commit')
          return journal.commit(
            name,
            () => (each.fails ? fails() : [put('nodegroup', aGroup({ name }))]),
            each.undo === 'none'
              ? undefined
              : () => journal.write(() => [remove('nodegroup', `${name}-uuid`)]),
          );
        const options = each.undo === 'none' || each.kind === 'pure' ? {} : { undo };
        const action: () => Promise<unknown> = each.kind === 'pure' ? async () => name : act;
        return journal.step(name, action, {
          ...options,
          pure: each.kind === 'pure',
        });
      }),
    );
    const abandoned = outcomes.find((each) => each.status === 'rejected' && each.reason instanceof Abandoned);
    if (abandoned) throw (abandoned as PromiseRejectedResult).reason;
    const failed = outcomes.find((each) => each.status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }
  assert.deepEqual(journal.unvisited(), []);
}

/** Lives until the unit has ended, each of the given length in commits; answers what is left behind. */
async function liveOn(parts: readonly (readonly Step[])[], lives: readonly number[]): Promise<unknown> {
  const store = new MemoryStore();
  const world = new World();
  for (let life = 0; ; life++) {
    store.life = lives[life] ?? Number.POSITIVE_INFINITY;
    const recorded = new Set(store.stored().steps.flatMap((each) => (each.end ? [each.name] : [])));
    const before = new Map(world.done);
    const journal = journalOf(store);
    let ended: unknown = 'success';
    try {
      try {
        await runUnit(parts, journal, world);
      } catch (error) {
        if (error instanceof Abandoned) throw error;
        ended = [toFailure(error).message, (await journal.undo(toFailure(error))).sort()];
      }
      await journal.write();
    } catch (error) {
      assert.ok(error instanceof Abandoned, String(error));
      continue;
    } finally {
      for (const name of recorded)
        assert.equal(world.done.get(name), before.get(name), `${name} is done again`);
    }
    assert.ok([...world.done.values()].every((times) => times <= life + 1));
    return { ended, present: [...world.present].sort(), groups: store.view.groups.list() };
  }
}

describe('journal, whatever happens', () => {
  it('ends a unit as if no crash had been, and does nothing again whose outcome is stored', async () => {
    const parts = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 5, size: 'max' });
    const lives = fc.array(fc.nat(6), { maxLength: 8, size: 'max' });
    await fc.assert(
      fc.asyncProperty(parts, lives, fc.nat(), async (drawn, lengths, failing) => {
        const unit = drawn.map((part, at) =>
          part.map((each) => ({ ...each, fails: each.fails && at === failing % 6 })),
        );
        assert.deepEqual(await liveOn(unit, lengths), await liveOn(unit, []));
      }),
      { numRuns: 300 },
    );
  });
});
