import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf } from '../../lib/app/layout.ts';
import { run } from '../../lib/base/exec.ts';
import { eventually, Programs } from '../helpers/program.ts';

const isRoot = process.getuid?.() === 0;

describe('a disk that turns read-only under a running master', () => {
  const programs = new Programs();
  after(() => programs.close());

  it('is answered with 503, and by reading, until it can be written again', {
    skip: isRoot ? false : 'only root can make a file immutable',
  }, async () => {
    const program = await programs.up();
    const client = await program.client();
    await client.done('PUT', '/2/tags?tag=before');
    const journal = `${layoutOf(program.dir).database}-wal`;
    const immutable = async (sign: '+' | '-') =>
      assert.equal((await run('chattr', [`${sign}i`, journal])).code, 0, 'chattr');
    const trouble = async () => (await client.get<{ trouble: string | null }>('/2/queue')).trouble;
    await immutable('+');
    try {
      for (let look = 0; look < 6; look++) {
        const answer = await client.ask('PUT', `/2/tags?tag=never${look}`);
        assert.equal(answer.status, 503);
        assert.match(JSON.stringify(answer.body), /cannot be written .* reads still work/);
        assert.deepEqual(await client.get('/2/tags'), ['before']);
        await sleep(500); // it tries every second, in vain
        assert.match((await trouble()) ?? 'none', /cannot be written/);
      }
    } finally {
      await immutable('-');
    }
    await eventually('it can be written again', async () => ((await trouble()) === null ? true : null));
    await client.done('PUT', '/2/tags?tag=after');
    assert.deepEqual(await client.get('/2/tags'), ['after', 'before']);
    await program.stop();
  });
});
