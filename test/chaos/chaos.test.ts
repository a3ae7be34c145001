import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runChaos } from './run.ts';

describe('a short chaos run', () => {
  it('loses nothing and leaves nothing over', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'merapi-chaos-'));
    try {
      const { report, state } = await runChaos({
        ...{ seed: 'ci', time: 12_000, nodes: 3, folder, disk: null, tell: () => undefined },
      });
      assert.deepEqual(report.violations, [], JSON.stringify(report, null, 2));
      assert.ok(report.requests.acknowledged > 0 && report.kills > 0);
      assert.ok(state.jobs.length > report.requests.acknowledged);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  });
});
