import assert from 'node:assert/strict';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { Store } from '../../../lib/store/define.ts';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { addGroup } from '../suite/define.ts';
import { storeSuite } from '../suite/suite.ts';
import { SqliteFixture, withStore } from './fixture.ts';

storeSuite('SQLite', () => SqliteFixture.make());

describe('a SQLite store', () => {
  it('says why it cannot be written: the disk, the values, or another master', () =>
    withStore(async (fixture) => {
      const store = await fixture.open();
      const repair = await fixture.breakWrites();
      await assert.rejects(addGroup(store, 'a'), {
        code: 'unavailable',
        message: /\(SQLITE_CONSTRAINT_TRIGGER\)\. Changes are refused until it can be written again/,
      });
      await repair();
      assert.equal(await store.retry(), true);
      await assert.rejects(addJobTwice(store), {
        code: 'internal_error',
        message: /cannot be stored: a constraint of the database is violated/,
      });
      assert.equal(await store.retry(), true);
      await fixture.open();
      await assert.rejects(addGroup(store, 'a'), /Another master has taken over/);
    }));

  it('tries whether it can be written by a write that changes something', () =>
    withStore(async (fixture) => {
      const store = await fixture.open();
      const tries = () => Number(fixture.rows("SELECT value FROM meta WHERE key = 'tries'")[0]?.value);
      const before = tries();
      assert.equal(await store.retry(), true);
      assert.equal(tries(), before + 1, 'what changes nothing would not be written');
    }));

  it('has a higher epoch than ever before also where an older file was put back', () =>
    withStore(async (fixture) => {
      await (await fixture.open()).close();
      const backup = `${fixture.file}.backup`;
      await copyFile(fixture.file, backup);
      let last = 0;
      for (let round = 0; round < 3; round++) {
        const store = await fixture.open();
        last = store.epoch;
        await store.close();
      }
      for (const suffix of ['-wal', '-shm']) await rm(fixture.file + suffix, { force: true });
      await copyFile(backup, fixture.file);
      assert.ok((await fixture.open()).epoch > last);
    }));

  it('is not opened in a file that is no store, nor in one of a later release; it says why', () =>
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

/** Adds a job twice in one commit, which the primary key of its table refuses. */
function addJobTwice(store: Store): Promise<void> {
  const add = { change: 'job-add' as const, job: aJob(1, [anOp({ OP_ID: 'OP_X' })]), secrets: new Map() };
  return store.commit({ job: null }, () => [add, add]);
}
