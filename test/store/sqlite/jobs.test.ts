import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { commit } from '../suite/define.ts';
import { withStore } from './fixture.ts';

it('jobs in SQLite: a large one is read once for all who ask for it before that begins', () =>
  withStore(async (fixture) => {
    const store = await fixture.open();
    const job = aJob(1, [anOp({ OP_ID: 'OP_X', text: 'x'.repeat(600_000) })]);
    await commit(store, { change: 'job-add', job, secrets: new Map() });
    const jobs = await Promise.all(Array.from({ length: 50 }, () => store.jobs.get(1)));
    const reads = new Set(jobs.map((each) => each?.ops)).size;
    assert.ok(reads < 10, `${reads} reads: one for those before it begins, one for the next`);
  }));
