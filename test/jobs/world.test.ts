import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemWorld, type World } from '../../lib/base/world.ts';
import { StepProgress } from '../../lib/jobs/progress.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { VirtualTime } from '../helpers/clock.ts';
import { Random } from '../helpers/random.ts';
import { QueueFixture } from './fixture.ts';

const HOUR = 3_600_000;
const anHour: OpInput = { OP_ID: 'OP_TEST_DELAY', duration: 3600, on_master: true, on_nodes: [] };
const addGroup = (group_name: string): OpInput => ({ OP_ID: 'OP_GROUP_ADD', group_name });

async function inWorld(world: Partial<World>, test: (f: QueueFixture) => Promise<void>): Promise<void> {
  const f = await QueueFixture.make({ ...systemWorld, ...world });
  try {
    await test(f);
  } finally {
    await f.close();
  }
}

describe('a master in a world of its own', () => {
  it('waits by its clock alone: a job of an hour is over when that says so', async () => {
    const time = new VirtualTime();
    const clock = time.clock({ wall: 1e12, rate: 1.5 });
    await inWorld({ clock }, async (f) => {
      const id = await f.submit(anHour);
      await time.waited();
      assert.deepEqual(time.pending, [HOUR / 1.5], 'its seconds are shorter');
      clock.set(5e11);
      await time.advance(HOUR / 1.5 - 1);
      assert.equal((await f.queue.get(id))?.status, 'running');
      await time.advance(1);
      const job = await f.ended(id);
      assert.equal(job.status, 'success');
      assert.equal(job.received, 1e9);
      assert.equal(Math.floor(job.end ?? 0), 5e8 + 3600, 'it shows what its clock was set to');
      assert.deepEqual(time.pending, []);
    });
  });

  it('ends a wait when its job is cancelled, and leaves no timer', async () => {
    const time = new VirtualTime();
    await inWorld({ clock: time.clock() }, async (f) => {
      const id = await f.submit(anHour);
      await time.waited();
      await f.queue.cancel(id);
      assert.equal((await f.ended(id)).status, 'canceled');
      assert.deepEqual([time.now, time.pending], [0, []]);
    });
  });

  it('makes the same uuids of the same seed', async () => {
    const made = async (seed: string) => {
      let uuids: (string | undefined)[] = [];
      await inWorld({ random: new Random(seed) }, async (f) => {
        for (const name of ['a', 'b']) assert.equal((await f.run(addGroup(name))).status, 'success');
        uuids = ['a', 'b'].map((name) => f.store.view.groups.named(name)?.uuid);
      });
      return uuids;
    };
    const [one, again, other] = [await made('seed'), await made('seed'), await made('another')];
    assert.deepEqual(one, again);
    assert.equal(new Set([...one, ...other]).size, 4);
    for (const uuid of one)
      assert.match(uuid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('logs the progress of a long step every half minute', async () => {
    const time = new VirtualTime();
    const clock = time.clock();
    const lines: string[] = [];
    const listener = { onChange: () => undefined, log: (text: string) => lines.push(text) };
    const step = new StepProgress(clock, listener).during('copy', async (tell) => {
      for (let done = 0; done <= 10; done++) {
        tell({ text: 'copying', done, total: 10 });
        await clock.sleep(10_000);
      }
    });
    await time.advance(110_000);
    await step;
    assert.deepEqual(
      lines,
      [30, 60, 90].map((percent) => `copy: copying: ${percent}.0 % of 10 done`),
    );
  });
});
