import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger as log } from '../../lib/base/log.ts';
import { hostPower } from '../../lib/node/power.ts';
import { eventually } from '../helpers/program.ts';

describe('the power of a real host', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-power-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is not touched unless the worker was told that it may', async () => {
    const trigger = join(folder, 'forbidden');
    await writeFile(trigger, '');
    const power = hostPower({ allowed: false, log, trigger, notice: 0 });
    await assert.rejects(power.cycle(), {
      code: 'wrong_state',
      message: /"powercycle": true in its node\.json/,
    });
    assert.equal(await readFile(trigger, 'utf8'), '');
  });

  it('is cycled by the kernel after the answer', async () => {
    const trigger = join(folder, 'allowed');
    await writeFile(trigger, '');
    const power = hostPower({ allowed: true, log, trigger, notice: 0 });
    assert.equal(await power.cycle(), 'Reboot scheduled in 0 seconds');
    await eventually('the reboot', async () => (await readFile(trigger, 'utf8')) === 'b' || null);
  });

  it('cannot be cycled where the kernel takes no commands', async () => {
    const power = hostPower({ allowed: true, log, trigger: join(folder, 'nosuch') });
    await assert.rejects(power.cycle(), { code: 'environment_error' });
  });
});
