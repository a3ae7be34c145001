import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import fc from 'fast-check';
import { Slots } from '../../lib/jobs/slots.ts';

const never = new AbortController().signal;

describe('slots', () => {
  it('go to the most urgent, then to the oldest; who is cancelled gets none', async () => {
    const slots = new Slots(() => 1);
    const order: number[] = [];
    const take = (job: number, priority: number, signal = never) =>
      slots.take(job, priority, signal).then(() => void order.push(job));
    await take(1, 0);
    const cancel = new AbortController();
    const refused = assert.rejects(take(2, -20, cancel.signal), /not now/);
    const taken = [take(5, 0), take(4, 0), take(6, -10)];
    assert.deepEqual(slots.waiting, [2, 6, 4, 5]);
    cancel.abort(new Error('not now'));
    await refused;
    for (const job of [1, 6, 4, 5]) {
      slots.leave(job);
      await settle();
    }
    await Promise.all(taken);
    assert.deepEqual(order, [1, 6, 4, 5]);
    assert.deepEqual(slots.state, { running: 0, limit: 1 });
  });

  it('a higher limit lets more go on at once; what ran before needs no leave', async () => {
    let limit = 1;
    const slots = new Slots(() => limit);
    slots.resume(7);
    slots.resume(8);
    const taken = [9, 10].map((job) => slots.take(job, 0, never));
    limit = 4;
    slots.serve();
    await Promise.all(taken);
    assert.deepEqual(slots.state, { running: 4, limit: 4 });
    assert.throws(() => slots.resume(7), /twice/);
  });

  it('never go beyond the limit, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(9), { maxLength: 40 }),
        async (limit, moves) => {
          const slots = new Slots(() => limit);
          const running = new Set<number>();
          const all: Promise<unknown>[] = [];
          for (const [job, move] of moves.entries()) {
            if (move < 6) all.push(slots.take(job, move, never).then(() => running.add(job)));
            else
              for (const one of running) {
                running.delete(one);
                slots.leave(one);
                break;
              }
            await settle();
            assert.ok(slots.state.running <= limit);
            assert.ok(slots.waiting.length === 0 || slots.state.running === limit);
          }
          for (let left = moves.length; left > 0; left--) {
            await new Promise(setImmediate);
            for (const one of running) {
              running.delete(one);
              slots.leave(one);
            }
          }
          await Promise.all(all);
          assert.deepEqual([slots.state.running, slots.waiting], [0, []]);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });
});
