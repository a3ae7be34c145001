import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../lib/base/exec.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

test('the benchmarks measure something in each place', async () => {
  const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', program, '--quick'], {
    timeout: 180_000,
  });
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  const numbers: number[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
    else if (typeof value !== 'string') numbers.push(value as number);
  };
  collect(result);
  assert.ok(numbers.length > 25, stdout);
  assert.ok(numbers.every(Number.isFinite), stdout);
  assert.deepEqual(Object.keys(result.machine), ['bare node:https', 'bare koa', 'SQLite commits per s']);
});
