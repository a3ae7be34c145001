import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../../lib/base/shared.ts';

test('who asks at once shares an answer that was asked for after they came', async () => {
  const asked: { given: number; end: (error?: Error) => void }[] = [];
  const ask = shared(
    (given: number) =>
      new Promise<string>((resolve, reject) => {
        asked.push({ given, end: (error) => (error ? reject(error) : resolve(`answer ${given}`)) });
      }),
  );
  const turn = () => new Promise(setImmediate);
  const first = ask(1);
  const late = [ask(2), ask(3), ask(4)];
  await turn();
  assert.deepEqual(
    asked.map(({ given }) => given),
    [1],
  );
  asked[0]?.end();
  assert.equal(await first, 'answer 1');
  await turn();
  assert.deepEqual(
    asked.map(({ given }) => given),
    [1, 4],
  );
  const later = ask(5);
  asked[1]?.end(new Error('down'));
  for (const each of late) await assert.rejects(each, /down/);
  await turn();
  assert.deepEqual(
    asked.map(({ given }) => given),
    [1, 4, 5],
  );
  asked[2]?.end();
  assert.equal(await later, 'answer 5');
  const again = ask(6);
  asked[3]?.end();
  assert.equal(await again, 'answer 6');
});
