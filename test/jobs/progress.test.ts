import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { StepProgress, wordsOf } from '../../lib/jobs/progress.ts';
import { onNode1, QueueFixture } from './fixture.ts';

describe('the progress of steps', () => {
  it('is known while they run, also when they fail', async () => {
    let changes = 0;
    const progress = new StepProgress(systemClock, {
      onChange: () => {
        changes++;
      },
      log: () => assert.fail('nothing is logged of short steps'),
    });
    await assert.rejects(
      progress.during('a', async (tellA) => {
        tellA({ text: 'copying', done: 1, total: 2 });
        await progress.during('b', (tellB) => tellB({ text: 'sending', done: 5, total: null }));
        tellA({ text: 'copying', done: 2, total: 2 });
        assert.deepEqual(
          progress.current.map(({ time: _, ...rest }) => rest),
          [{ step: 'a', text: 'copying', done: 2, total: 2 }],
        );
        throw new Error('it failed');
      }),
      /it failed/,
    );
    assert.deepEqual(progress.current, []);
    assert.equal(changes, 5);
  });

  it('is logged now and then', async () => {
    const lines: string[] = [];
    const listener = { onChange: () => undefined, log: (text: string) => lines.push(text) };
    await new StepProgress(systemClock, listener, 0).during('disk/0/copy', (tell) => {
      tell({ text: 'copying', done: 1, total: 4 });
    });
    assert.deepEqual(lines, ['disk/0/copy: copying: 25.0 % of 4 done']);
  });

  it('has words without a total, and with one of nothing', () => {
    assert.equal(wordsOf({ text: 'sending', done: 7, total: null }), 'sending: 7 done');
    assert.equal(wordsOf({ text: 'copying', done: 0, total: 0 }), 'copying: 0 done');
  });
});

describe('a job whose call takes long', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
  });
  after(() => f.close());

  it('shows how far the call is, until that ends', async () => {
    const id = await f.submit(onNode1);
    const call = await f.heldBy(id);
    const seen = f.ended(id, (job) => job.progress !== undefined);
    call.options.tell?.({ text: 'waiting', done: 3, total: 10 });
    const [progress] = (await seen).progress ?? [];
    assert.deepEqual([progress?.text, progress?.done, progress?.total], ['waiting', 3, 10]);
    call.end();
    const job = await f.ended(id);
    assert.equal(job.status, 'success');
    assert.equal(job.progress, undefined);
  });

  it('ends the call when it is cancelled', async () => {
    const id = await f.submit(onNode1);
    const call = await f.heldBy(id);
    const { signal } = call.options;
    assert.equal(signal?.aborted, false);
    signal?.addEventListener('abort', () => call.end(signal.reason));
    await f.queue.cancel(id);
    assert.equal((await f.ended(id)).status, 'canceled');
  });

  it('leaves the call alone when the master ends: it is made again', async () => {
    const id = await f.submit(onNode1);
    const { signal } = (await f.heldBy(id)).options;
    await f.restart();
    assert.equal(signal?.aborted, false);
    (await f.heldBy(id)).end();
    assert.equal((await f.ended(id)).status, 'success');
  });
});
