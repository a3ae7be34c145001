import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { continuous, periodic } from '../../lib/base/background.ts';
import { Bell } from '../../lib/base/bell.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { endsWithin } from '../../lib/base/within.ts';
import { VirtualTime } from './clock.ts';

/** A timer of one of three machines, perhaps set by another one that fired, perhaps cancelled before it fires. */
const plan = fc.record({
  machine: fc.nat({ max: 2 }),
  pause: fc.integer({ min: 1, max: 50 }),
  next: fc.option(fc.integer({ min: 1, max: 50 }), { nil: null }),
  cancelled: fc.boolean(),
});
const rates = fc.tuple(fc.constantFrom(0.5, 1, 2), fc.constantFrom(0.5, 1, 2), fc.constantFrom(0.5, 1, 2));

/** Runs timers, and answers which fired when, in true time, in their order. */
async function fired(
  plans: (typeof plan extends fc.Arbitrary<infer T> ? T : never)[],
  speeds: number[],
  jump: number,
): Promise<string[]> {
  const time = new VirtualTime();
  const clocks = speeds.map((rate, index) => time.clock({ rate, wall: 1e12 + index }));
  const seen: string[] = [];
  const timers = plans.map(({ machine, pause, next }, index) =>
    clocks[machine]?.timer(pause, () => {
      seen.push(`${time.now} ${index}`);
      if (next !== null) clocks[machine]?.timer(next, () => seen.push(`${time.now} ${index}+`));
    }),
  );
  plans.forEach(({ cancelled }, index) => {
    if (cancelled) timers[index]?.cancel();
  });
  clocks[0]?.set(jump);
  while (time.pending.length > 0) await time.advance(17);
  return seen;
}

describe('VirtualTime', () => {
  it('fires timers at their moments and in their order, whatever the clocks are set to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { maxLength: 12 }), rates, fc.nat(), async (plans, speeds, jump) => {
        const firsts = plans
          .map(({ machine, pause, cancelled }, index) => ({
            at: pause / (speeds[machine] ?? 1),
            cancelled,
            index,
          }))
          .filter(({ cancelled }) => !cancelled)
          .sort((a, b) => a.at - b.at || a.index - b.index);
        const seen = await fired(plans, speeds, jump);
        assert.deepEqual(
          seen.filter((line) => !line.endsWith('+')),
          firsts.map(({ at, index }) => `${at} ${index}`),
        );
        const nested = firsts.flatMap(({ at, index }) => {
          const { machine = 0, next = null } = plans[index] ?? {};
          return next === null ? [] : [`${at + next / (speeds[machine] ?? 1)} ${index}+`];
        });
        assert.deepEqual(seen.filter((line) => line.endsWith('+')).sort(), nested.sort());
        const times = seen.map((line) => Number.parseFloat(line));
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.deepEqual(await fired(plans, speeds, jump), seen, 'a second time it goes the same way');
      }),
      { numRuns: 50 },
    );
  });

  it('gives each machine a clock that goes wrong in its own way', async () => {
    const time = new VirtualTime();
    const [right, fast] = [time.clock({ wall: 1e12 }), time.clock({ wall: 2e12, rate: 1.5 })];
    await time.advance(10_000);
    assert.deepEqual([right.now(), fast.now()], [10_000, 15_000]);
    assert.deepEqual([right.seconds(), fast.seconds()], [1e9 + 10, 2e9 + 15]);
    fast.set(5e11);
    assert.deepEqual([fast.now(), Math.floor(fast.seconds())], [15_000, 5e8]);
    assert.equal(time.clock({ wall: 3e12 }).now(), 0, 'one that starts later counts from then on');
  });

  it('lets work go on by hand: sleeps, signals, bells and what is done again and again', async () => {
    const time = new VirtualTime();
    const clock = time.clock();
    const seen: string[] = [];
    const note = (text: string) => () => void seen.push(`${clock.now()} ${text}`);
    const over = new AbortController();
    clock.sleep(50).then(note('slept'));
    clock.sleep(50, { signal: over.signal }).catch((error) => note(`woken by ${error}`)());
    const bell = new Bell(clock);
    bell.wait(30).then((rang) => note(`the bell ${rang}`)());
    endsWithin(clock.sleep(70), 60, clock).then((ended) => note(`ended ${ended}`)());
    const work = periodic('looking', { log: silentLogger, clock }, 40, async () => note('looked')());
    work.start();
    clock.timer(10, () => over.abort('the test'));
    await time.advance(85);
    assert.deepEqual(seen, [
      '0 looked',
      '10 woken by the test',
      '30 the bell false',
      '40 looked',
      '50 slept',
      '60 ended false',
      '80 looked',
    ]);
    assert.equal(time.isAwaited, false, 'what is done again and again keeps no process alive');
    await work.stop();
    assert.deepEqual(time.pending, []);
    assert.equal(await time.step(), false);
  });

  it('lets failing work begin again after pauses that grow', async () => {
    const time = new VirtualTime();
    const clock = time.clock();
    const begun: number[] = [];
    const work = continuous('failing', { log: silentLogger, clock }, async () => {
      begun.push(clock.now());
      throw new Error('no');
    });
    work.start();
    for (let step = 0; step < 9; step++) assert.equal(await time.step(), true);
    assert.deepEqual(begun.slice(0, 5), [0, 100, 300, 700, 1500]);
    assert.deepEqual(time.pending, [30_000], 'half a minute is the longest');
    await work.stop();
  });

  it('a timeout fires once, and leaves nothing when it is cancelled', async () => {
    const time = new VirtualTime();
    const clock = time.clock();
    const [late, early] = [clock.timeout(1000), clock.timeout(1e12)];
    assert.equal(time.isAwaited, false);
    early.cancel();
    assert.deepEqual(time.pending, [1000]);
    await time.advance(999);
    assert.equal(late.signal.aborted, false);
    await time.advance(1);
    assert.equal((late.signal.reason as Error).name, 'TimeoutError');
    await assert.rejects(clock.sleep(5, { signal: late.signal }), { name: 'TimeoutError' });
    assert.deepEqual([early.signal.aborted, time.pending], [false, []]);
  });

  it('a sleep leaves nothing at a signal that outlives it, nor a timer when the signal fires', async () => {
    const time = new VirtualTime();
    const clock = time.clock();
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = Object.assign(signal, {
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    });
    const sleeps = Promise.all([clock.sleep(10, { signal: counted }), clock.sleep(20, { signal: counted })]);
    assert.equal(listeners, 2);
    await time.advance(20);
    await sleeps;
    assert.deepEqual([listeners, time.pending], [0, []]);
  });
});
