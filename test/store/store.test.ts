import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { MerapiError } from '../../lib/base/errors.ts';
import type { NodeGroup } from '../../lib/model/nodegroup.ts';
import { type Change, put, remove } from '../../lib/store/changes.ts';
import type { Store } from '../../lib/store/store.ts';
import { aCluster, aGroup, aNode, anInstance } from '../helpers/view.ts';
import { aJob, anOp, StoreFixture, withStore } from './fixture.ts';

const nobody = { job: null };
const group = (name: string): NodeGroup => aGroup({ name });
const names = (store: Store) => store.view.groups.list().map((each) => each.name);
const addGroup = (store: Store, name: string) => store.commit(nobody, () => [put('nodegroup', group(name))]);

/** A change that the database refuses: there cannot be two jobs with one id. */
const refusedChange = (): Change[] => {
  const job = aJob(1, [anOp({ OP_ID: 'OP_X' })]);
  const add = { change: 'job-add' as const, job, secrets: new Map() };
  return [add, add];
};

describe('store', () => {
  let fixture: StoreFixture;
  let store: Store;
  before(async () => {
    fixture = await StoreFixture.make();
    store = await fixture.open();
  });
  after(() => fixture.close());
  /** The groups that a test added, whose names begin with its letter. */
  const added = (letter: string) => names(store).filter((name) => name.startsWith(letter));

  it('shows a commit when it is on disk and not before; a view that was taken stays as it is', async () => {
    const before = store.view;
    const told: number[] = [];
    store.onChange((view) => told.push(view.groups.size));
    const committed = addGroup(store, 'a1');
    assert.deepEqual(added('a'), [], 'not yet on disk');
    await committed;
    assert.deepEqual(added('a'), ['a1']);
    assert.equal(told[0], before.groups.size + 1);
    const objects = fixture.rows("SELECT body FROM objects WHERE uuid = 'a1-uuid'");
    assert.deepEqual(JSON.parse(String(objects[0]?.body)), group('a1'), 'another connection sees it too');
    assert.equal(before.groups.named('a1'), undefined);
  });

  it('keeps commits in order: each is built on all that came before, on disk or not', async () => {
    const start = store.view.groups.size;
    const seen: number[] = [];
    const ended: number[] = [];
    const commits = Array.from({ length: 200 }, (_, index) =>
      store
        .commit(nobody, (view) => {
          seen.push(view.groups.size - start);
          return index % 10 === 9 ? [] : [put('nodegroup', group(`b${index}`))];
        })
        .then(() => ended.push(index)),
    );
    await Promise.all(commits);
    assert.deepEqual(
      seen,
      seen.map((_, index) => index - Math.floor(index / 10)),
    );
    assert.deepEqual(ended, [...seen.keys()]);
    assert.equal(added('b').length, 180);
    assert.equal(fixture.rows("SELECT uuid FROM objects WHERE uuid LIKE 'b%'").length, 180);
  });

  it('gives what build throws to the caller and goes on as if nothing had been', async () => {
    const events = fixture.rows('SELECT * FROM events').length;
    const first = addGroup(store, 'c1');
    const refusal = store.commit(nobody, () => {
      throw new MerapiError('wrong_state', 'not now');
    });
    const last = addGroup(store, 'c2');
    await assert.rejects(refusal, { code: 'wrong_state', message: 'not now' });
    await Promise.all([first, last]);
    assert.deepEqual(added('c'), ['c1', 'c2']);
    assert.equal(fixture.rows('SELECT * FROM events').length, events + 2);
  });

  it('writes an event for each changed object, with what was done, the name and the job', async () => {
    const [last] = fixture.rows('SELECT max(id) AS id FROM events');
    await store.commit(nobody, () => [put('nodegroup', group('d')), put('node', aNode('node1'))]);
    await store.commit({ job: 7 }, () => [put('nodegroup', { ...group('d'), name: 'd2' })]);
    await store.commit({ job: 8 }, () => [remove('nodegroup', 'd-uuid'), remove('node', 'nobody')]);
    await store.commit({ job: 9 }, () => [{ change: 'job-clean', job: 9 }]);
    const events = fixture.rows(`SELECT * FROM events WHERE id > ${last?.id} ORDER BY id`);
    assert.deepEqual(
      events.map(({ kind, uuid, name, action, job }) => [kind, uuid, name, action, job]),
      [
        ['nodegroup', 'd-uuid', 'd', 'add', null],
        ['node', 'node1-uuid', 'node1.example.com', 'add', null],
        ['nodegroup', 'd-uuid', 'd2', 'change', 7],
        ['nodegroup', 'd-uuid', 'd2', 'remove', 8],
      ],
    );
    for (const { time } of events) assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 600);
  });

  it('fails a commit that cannot be written with all that were built on it, and falls back to what is on disk', async () => {
    const failures: MerapiError[] = [];
    store.onFailure(({ error }) => failures.push(error));
    await addGroup(store, 'e');
    const { size } = store.view.groups;
    const broken = store.commit(nobody, () => [put('nodegroup', group('e-broken')), ...refusedChange()]);
    const builtOnIt = Array.from({ length: 3 }, (_, index) => addGroup(store, `e${index}`));
    await assert.rejects(broken, {
      code: 'internal_error',
      message: /cannot be stored: a record contradicts/,
    });
    for (const commit of builtOnIt)
      await assert.rejects(commit, { code: 'unavailable', message: /a record contradicts/ });
    assert.deepEqual(added('e'), ['e']);
    assert.equal(failures.length, 1);
    await assert.rejects(addGroup(store, 'e-later'), /Nothing is changed until it can/);
    assert.equal(await store.retry(), true);
    const seen: number[] = [];
    await store.commit(nobody, (view) => {
      seen.push(view.groups.size);
      return [put('nodegroup', group('e-next'))];
    });
    assert.deepEqual(seen, [size], 'the next commit starts from what is on disk');
    assert.equal(fixture.rows('SELECT * FROM jobs').length, 0, 'half a transaction is no transaction');
    assert.equal(fixture.rows("SELECT * FROM objects WHERE uuid LIKE 'e%'").length, 2);
  });

  it('fails commits while the disk takes nothing, and writes again when it does', async () => {
    const outside = new Database(fixture.file);
    // As good as a full disk, without filling one.
    outside.exec(
      "CREATE TRIGGER full BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    );
    await assert.rejects(addGroup(store, 'f1'), /SQLITE_CONSTRAINT_TRIGGER/);
    await assert.rejects(addGroup(store, 'f2'), { code: 'unavailable' });
    outside.exec(
      "CREATE TRIGGER no_probe BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    );
    assert.equal(await store.retry(), false);
    await assert.rejects(addGroup(store, 'f2'), { code: 'unavailable' });
    outside.exec('DROP TRIGGER full; DROP TRIGGER no_probe');
    outside.close();
    const tries = () => fixture.rows("SELECT value FROM meta WHERE key = 'tries'")[0]?.value;
    const before = Number(tries());
    assert.equal(await store.retry(), true);
    assert.equal(tries(), before + 1, 'what changes nothing would not be written');
    await addGroup(store, 'f3');
    assert.deepEqual(added('f'), ['f3']);
  });
});

describe('store, opened again', () => {
  it('makes its file; what was committed is there, and all that was asked for before it closed', () =>
    withStore(async (fixture) => {
      const store = await fixture.open();
      assert.equal(store.view.initialised, false);
      await store.commit(nobody, () => [put('cluster', aCluster()), put('node', aNode('node1'))]);
      await store.commit(nobody, () => [put('nodegroup', aGroup()), put('instance', anInstance('web'))]);
      await store.commit(nobody, () => [
        put('instance', anInstance('gone')),
        put('instance', anInstance('www')),
      ]);
      await store.commit(nobody, () => [remove('instance', 'gone-uuid')]);
      const last = store.commit(nobody, () => [put('instance', anInstance('web', { tags: ['a'] }))]);
      const closed = Promise.all([store.close(), store.close()]);
      await last;
      await closed;
      await assert.rejects(addGroup(store, 'late'), { code: 'unavailable' });
      await assert.rejects(store.jobs.ids(), { code: 'unavailable' });
      const { view } = await fixture.open();
      assert.deepEqual(view.cluster, aCluster());
      assert.deepEqual(view.groups.list(), [aGroup()]);
      assert.deepEqual(view.instances.list(), [anInstance('web', { tags: ['a'] }), anInstance('www')]);
      assert.deepEqual(view.nodesOf('default-uuid'), [aNode('node1')]);
    }));

  it('by another master: then nothing of the first one is written any more', () =>
    withStore(async (fixture) => {
      const first = await fixture.open();
      const failures: MerapiError[] = [];
      first.onFailure(({ error }) => failures.push(error));
      await addGroup(first, 'red');
      const second = await fixture.open();
      assert.deepEqual(names(second), ['red']);
      const late = [addGroup(first, 'green'), addGroup(first, 'blue')];
      for (const commit of late) await assert.rejects(commit, { code: 'unavailable' });
      await assert.rejects(addGroup(first, 'grey'), /Another master has taken over/);
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['unavailable'],
        'told once',
      );
      assert.deepEqual(names(first), ['red']);
      await addGroup(second, 'white');
      assert.deepEqual(names(second), ['red', 'white']);
      const uuids = fixture.rows('SELECT uuid FROM objects ORDER BY uuid');
      assert.deepEqual(uuids, [{ uuid: 'red-uuid' }, { uuid: 'white-uuid' }]);
    }));

  it('refuses a file that is no store, and one of a later release, saying why', () =>
    withStore(async (fixture) => {
      await mkdir(dirname(fixture.file));
      const outside = new Database(fixture.file);
      outside.pragma('user_version = 99');
      outside.close();
      await assert.rejects(fixture.open(), /newer Merapi \(schema 99/);
      await writeFile(fixture.file, 'this is no database, but long enough to be looked at'.repeat(100));
      await assert.rejects(fixture.open(), { code: 'unavailable' });
    }));
});
