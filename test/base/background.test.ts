import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Logger, pino } from 'pino';
import { continuous, periodic, unattended } from '../../lib/base/background.ts';
import { Bell } from '../../lib/base/bell.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { deferred } from '../node/helpers.ts';

/** A logger, and what it was told. */
function recorder(): { log: Logger; lines: Record<string, unknown>[]; logged: () => Promise<void> } {
  const lines: Record<string, unknown>[] = [];
  const first = deferred<void>();
  const write = (line: string) => {
    lines.push(JSON.parse(line));
    first.resolve();
  };
  return { log: pino({}, { write }), lines, logged: () => first.promise };
}

test('a loop that fails is logged and begins again, and one that ends well is done', async () => {
  const { log, lines } = recorder();
  const done = deferred<void>();
  let times = 0;
  const loop = continuous('counting', { log, clock: systemClock }, async () => {
    if (++times < 3) throw new Error(`failure ${times}`);
    done.resolve();
  });
  loop.start();
  loop.start(); // begins nothing more
  await done.promise;
  await loop.stop();
  assert.equal(times, 3);
  assert.deepEqual(
    lines.map(({ msg, err }) => [msg, (err as Error).message]),
    [
      ['counting: this failed and is restarted', 'failure 1'],
      ['counting: this failed and is restarted', 'failure 2'],
    ],
  );
});

test('stop() ends a loop that waits, one that fails for the stop without a word, and one that was never begun', async () => {
  const { log, lines } = recorder();
  const begun = deferred<void>();
  const loop = continuous('waiting', { log, clock: systemClock }, (signal) => {
    begun.resolve();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  loop.start();
  await begun.promise;
  await loop.stop();
  await continuous('never', { log, clock: systemClock }, () => Promise.reject(new Error('never'))).stop();
  assert.deepEqual(lines, []);
});

test('what is done again and again goes on after a failure, and never twice at once', async () => {
  const { log, lines } = recorder();
  const third = deferred<void>();
  let [times, now] = [0, 0];
  const work = periodic('looking', { log, clock: systemClock }, 1, async () => {
    assert.equal(++now, 1);
    times++;
    await new Promise(setImmediate);
    now--;
    if (times === 3) third.resolve();
    if (times === 1) throw new MerapiError('timeout', 'no');
  });
  work.start();
  const alive = setTimeout(() => undefined, 60_000); // the work itself keeps no process
  await third.promise;
  clearTimeout(alive);
  await work.stop();
  assert.deepEqual(
    lines.map(({ msg, reason }) => [msg, reason]),
    [['looking: this failed and is retried', 'no']],
  );
});

test('what nobody waits for is logged when it fails, even if it throws at once', async () => {
  for (const work of [
    () => Promise.reject(new Error('late')),
    () => {
      throw new Error('at once');
    },
  ]) {
    const { log, lines, logged } = recorder();
    unattended('working', log, work);
    await logged();
    assert.equal(lines[0]?.msg, 'working: this failed');
  }
  unattended('working', silentLogger, async () => undefined);
});

test('a bell that rings while its owner looks is not missed, and one that does not ring gives up in time', async () => {
  const bell = new Bell(systemClock);
  bell.ring();
  assert.equal(await bell.wait(), true);
  bell.reset();
  assert.equal(await bell.wait(1), false);
  const waits = bell.wait();
  bell.ring();
  assert.equal(await waits, true);
});

test('no part of Merapi starts work beside requests in another way', () => {
  const lib = join(import.meta.dirname, '..', '..', 'lib');
  const found: string[] = [];
  for (const name of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name === 'base/background.ts') continue;
    const lines = readFileSync(join(lib, name), 'utf8').split('\n');
    // A timer that repeats, a promise that is dropped, an event handler that is async and so is dropped by the emitter.
    for (const line of lines)
      if (
        /\bsetInterval\(|^\s*void [\w.#]+\(|=> void (?!process\.stdout|\(await|tags\.|stdout\.pipe|database\.close)[\w.#]+\(|\.(on|once|addListener)\('[\w-]+', async\b|setTimeout\(async\b/.test(
          line,
        )
      )
        found.push(`${name}: ${line.trim()}`);
  }
  assert.deepEqual(found, []);
});
