import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { underAny } from '../../lib/base/signals.ts';

test('work under several signals hears the first of them, and leaves nothing at one that lives on', async () => {
  const life = new AbortController();
  for (let count = 0; count < 100; count++) {
    const own = new AbortController();
    const work = underAny([life.signal, own.signal], async (signal) => {
      own.abort(new Error('enough'));
      signal.throwIfAborted();
    });
    await assert.rejects(work, /enough/);
  }
  assert.equal(await underAny([life.signal], async () => 7), 7);
  assert.deepEqual(getEventListeners(life.signal, 'abort'), []);
  const traces = Object.getOwnPropertySymbols(life.signal).filter((key) => /depend/i.test(String(key)));
  for (const key of traces)
    assert.equal((life.signal as unknown as Record<symbol, { size?: number } | null>)[key]?.size ?? 0, 0);
  life.abort(new Error('over'));
  await assert.rejects(
    underAny([life.signal], async (signal) => signal.throwIfAborted()),
    /over/,
  );
});
