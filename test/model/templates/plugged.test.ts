import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../../lib/base/exec.ts';

it('a disk template of its own file, an entry of the model and a driver is all that instances need to live with it', async () => {
  const program = fileURLToPath(new URL('plugged.ts', import.meta.url));
  const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', program], {
    timeout: 60_000,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'it lives\n');
});
