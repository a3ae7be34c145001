import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../lib/base/exec.ts';
import { pythonText } from '../../lib/base/python.ts';

test('values are written as Python writes them', async () => {
  const values = [
    {},
    { spindle_count: 7, on: true, off: false, none: null },
    ['a', "it's", 'say "hi"', `both ' and "`, 'back\\slash', 'two\nlines\tand tab', 'ä'],
    { drbd: { 'resync-rate': 1000, ratio: 1.5 } },
    [],
  ];
  const script = 'import json,sys\nfor value in json.load(sys.stdin): print(repr(value))';
  const { stdout } = await run('python3', ['-c', script], { input: JSON.stringify(values) });
  assert.deepEqual(values.map(pythonText), stdout.trimEnd().split('\n'));
});
