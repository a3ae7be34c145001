import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../../lib/base/log.ts';
import { AcceleratorProbe, executes } from '../../../../lib/node/hypervisors/kvm/accelerator.ts';
import { Resources } from '../../helpers.ts';
import { QEMU } from '../kvm-helpers.ts';

describe('the probe of accelerators', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('passes where guests execute, and not where QEMU does not even start', async () => {
    assert.equal(await executes(QEMU, 'tcg'), true);
    assert.equal(await executes('/no/qemu', 'tcg'), false);
  });

  it('keeps its answer for later lives of the worker, until something it depends on changes', async () => {
    const file = join(await resources.folder(), 'accel.json');
    await writeFile(file, JSON.stringify({ kernel: '0.0.1', accelerator: 'kvm' }));
    const probe = new AcceleratorProbe(file, silentLogger);
    const [first, second] = await Promise.all([probe.best(QEMU), probe.best(QEMU)]);
    assert.ok(first === second && (first === 'kvm' || first === 'tcg'));
    const kept = JSON.parse(await readFile(file, 'utf8'));
    assert.equal(kept.accelerator, first);
    assert.notEqual(kept.kernel, '0.0.1');
    // The other answer is believed as long as it is about this machine.
    const other = first === 'kvm' ? 'tcg' : 'kvm';
    await writeFile(file, JSON.stringify({ ...kept, accelerator: other }));
    assert.equal(await new AcceleratorProbe(file, silentLogger).best(QEMU), other);
    await writeFile(file, 'torn');
    assert.equal(await probe.best(QEMU), first, 'one life of the worker asks once');
  });

  it('says which program is missing', async () => {
    const file = join(await resources.folder(), 'accel.json');
    const probe = new AcceleratorProbe(file, silentLogger);
    await assert.rejects(probe.best('/no/qemu'), { message: /\/no\/qemu/ });
  });
});
