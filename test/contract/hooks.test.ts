import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { opcodes } from '../../lib/opcodes/registry.ts';
import { unitOf } from '../../lib/units/registry.ts';

test('the page about hooks names the opcodes that have some', () => {
  const page = readFileSync(new URL('../../docs/hooks.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/^\| (OP_\w+) \|/gm)].map(([, id]) => id);
  const ids = Object.keys(opcodes) as (keyof typeof opcodes)[];
  assert.deepEqual(named.toSorted(), ids.filter((id) => unitOf(id).hooks !== undefined).toSorted());
});
