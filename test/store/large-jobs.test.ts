import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Job } from '../../lib/model/job.ts';
import { LargeJobs } from '../../lib/store/large-jobs.ts';

describe('large jobs', () => {
  it('are read one at a time, an unended one again for whoever comes while it is read', async () => {
    const log: string[] = [];
    const reader = new LargeJobs(async (id) => {
      log.push(`begin ${id}`);
      await new Promise(setImmediate);
      log.push(`end ${id}`);
      if (id === 9) throw new Error('no such luck');
      return { id, status: 'running' } as Job;
    });
    const [a, b, c] = [reader.get(1), reader.get(1), reader.get(2)];
    const failing = assert.rejects(reader.get(9), /no such luck/);
    while (log.length === 0) await new Promise(setImmediate);
    const later = reader.get(1);
    await Promise.all([a, b, c, later, failing]);
    const ids = [1, 2, 9, 1];
    assert.deepEqual(
      log,
      ids.flatMap((id) => [`begin ${id}`, `end ${id}`]),
    );
    assert.equal(await a, await b);
    assert.notEqual(await a, await later);
  });
});
