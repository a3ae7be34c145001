import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../lib/base/clock.ts';
import type { DiskTemplate } from '../../../lib/model/templates/index.ts';
import type { StorageDriver } from '../../../lib/node/storage/define.ts';
import { fakeDriver } from '../../../lib/node/storage/fake.ts';
import type { DiskTarget } from '../../../lib/rpc/types.ts';
import { fileDisk, Resources } from '../helpers.ts';
import { fileData, storageConformance } from './conformance.ts';

const ids: Partial<Record<DiskTemplate, (name: string) => DiskTarget['logical_id']>> = {
  plain: (name) => ['xenvg', `${name}.disk0`],
  rbd: (name) => ['rbd', `${name}.rbd.disk0`],
  ext: (name) => ['provider', `${name}.ext.disk0`],
  gluster: (name) => ['loop', `ganeti/${name}.0`],
  blockdev: (name) => ['manual', `/dev/disk/by-id/${name}`],
  drbd: () => ['a-uuid', 'b-uuid', 11000, 0, 0, 'secret'],
};

function disk(template: DiskTemplate, name: string, size = 2): DiskTarget {
  return { ...fileDisk(name, size), dev_type: template, logical_id: ids[template]?.(name) ?? [] };
}

function driverOf(template: DiskTemplate, node: string, common: string): StorageDriver {
  return fakeDriver(template, { node, own: join(common, 'of', node), common, clock: systemClock });
}

for (const template of Object.keys(ids) as DiskTemplate[])
  storageConformance(template, async (resources) => ({
    driver: driverOf(template, 'node1', await resources.folder()),
    simulated: true,
    disks: [disk(template, 'one'), disk(template, 'two')],
    data: fileData,
  }));

describe('simulated storage', () => {
  const resources = new Resources();
  after(() => resources.close());

  it('keeps volumes of its own apart from those that every node sees', async () => {
    const common = await resources.folder();
    for (const template of ['plain', 'rbd', 'ext', 'gluster', 'blockdev'] as const) {
      await driverOf(template, 'node1', common).create(disk(template, 'one'));
      const { exists } = await driverOf(template, 'node2', common).status(disk(template, 'one'));
      assert.equal(exists, template !== 'plain', template);
    }
  });

  it('touches nothing outside its folder', async () => {
    const common = await resources.folder();
    const wrong = { ...disk('plain', 'x'), logical_id: ['..', '..'] };
    await assert.rejects(driverOf('plain', 'node1', common).create(wrong), { code: 'wrong_input' });
  });
});

describe('a simulated mirror', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function pair(): Promise<{ a: StorageDriver; b: StorageDriver; common: string }> {
    const common = await resources.folder();
    return { a: driverOf('drbd', 'node1', common), b: driverOf('drbd', 'node2', common), common };
  }

  async function inSync(driver: StorageDriver, target: DiskTarget): Promise<void> {
    while ((await driver.status(target)).mirror?.degraded) await sleep(1);
  }

  it('synchronises the side that was made last, and tells how far it is', async () => {
    const { a, b } = await pair();
    const big = disk('drbd', 'big', 64 * 60_000); // a minute
    for (const driver of [a, b]) await driver.create(big);
    await a.activate(big, true);
    const alone = { primary: true, current: true, degraded: true, sync_percent: null, estimated_time: null };
    assert.deepEqual((await a.status(big)).mirror, alone);
    await b.activate(big, false);
    const { mirror } = await a.status(big);
    assert.ok(
      mirror?.degraded && mirror.sync_percent !== null && mirror.sync_percent < 50,
      JSON.stringify(mirror),
    );
    assert.equal(mirror.estimated_time, 60);
    await b.deactivate(big);
    assert.deepEqual((await a.status(big)).mirror, alone, 'what was not done begins again');
  });

  it('stays in sync once it was, and needs it again when a side is made again', async () => {
    const { a, b } = await pair();
    const small = disk('drbd', 'small', 1);
    for (const driver of [a, b]) await driver.create(small);
    await b.activate(small, false);
    await a.activate(small, true);
    await inSync(a, small);
    await b.deactivate(small);
    await a.deactivate(small);
    await a.activate(small, false);
    await b.activate(small, true);
    const { mirror } = await b.status(small);
    assert.deepEqual([mirror?.primary, mirror?.degraded], [true, false]);
    await a.remove(small);
    assert.equal((await b.status(small)).mirror?.degraded, true);
    await a.create(small);
    await a.activate(small, false);
    await inSync(b, small);
  });

  it('keeps the data as long as one side is left', async () => {
    const { a, b, common } = await pair();
    const target = disk('drbd', 'data', 1);
    for (const driver of [a, b]) await driver.create(target);
    const { path } = await a.status(target);
    assert.ok(path);
    await fileData.write(path, 'precious');
    await a.remove(target);
    assert.equal((await a.status(target)).exists, false);
    assert.equal(String(await fileData.read((await b.status(target)).path ?? '', 8)), 'precious');
    await b.remove(target);
    assert.deepEqual(await readdir(join(common, 'drbd')), []);
  });
});
