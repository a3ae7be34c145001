import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../../lib/base/log.ts';
import { resizeBlock } from '../../../../lib/node/hypervisors/kvm/blocks.ts';
import { connectQmp } from '../../../../lib/node/hypervisors/kvm/qmp.ts';
import { socketsOf } from '../../../../lib/node/hypervisors/kvm/sockets.ts';
import { KvmHypervisor } from '../../../../lib/node/hypervisors/kvm.ts';
import { Resources } from '../../helpers.ts';
import { askQemu, kvmInstance, NotedNetwork, tinyDisk } from '../kvm-helpers.ts';

const MIB = 1024 * 1024;

describe('disks of kvm guests', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function open() {
    const folder = await resources.folder();
    const driver = new KvmHypervisor({
      folder,
      network: new NotedNetwork(),
      log: silentLogger,
      accel: 'tcg',
    });
    await driver.open();
    resources.add(() => driver.close());
    return { folder, driver };
  }

  it('are seen with their new size by a running guest', async () => {
    const { folder, driver } = await open();
    const web = kvmInstance('web');
    const path = await tinyDisk(folder, web);
    const [disk] = web.disks;
    assert.ok(disk);
    const grown = { disk: { ...disk, size: 3 }, source: { path } };
    await driver.resize(web, grown); // it does not run: nothing to do
    await driver.start(web, { sources: [{ path }], paused: false });
    try {
      await truncate(path, 3 * MIB);
      for (let again = 0; again < 2; again++) await driver.resize(web, grown);
      const other = { disk: { ...disk, uuid: 'another' }, source: { path: `${path}.other` } };
      await assert.rejects(driver.resize(web, other), { code: 'hypervisor', message: /no disk another/ });
    } finally {
      await driver.close();
    }
    const { qmp } = socketsOf(join(folder, 'guests', web.uuid));
    const blocks = (await askQemu(qmp, 'query-block')) as {
      inserted?: { image: Record<string, unknown> };
    }[];
    const image = blocks.find(({ inserted }) => inserted?.image.filename === path)?.inserted?.image;
    assert.equal(image?.['virtual-size'], 3 * MIB);
    const monitor = await connectQmp(qmp);
    await resizeBlock(monitor, { ...grown, disk: { ...disk, size: 4 } });
    await monitor.execute('quit').catch(() => undefined);
    monitor.close();
  });

  it('may be what QEMU reaches by itself, and grow like others', async () => {
    const { folder, driver } = await open();
    const web = kvmInstance('web');
    const [disk] = web.disks;
    assert.ok(disk);
    const path = await tinyDisk(folder, web);
    const source = { blockdev: { driver: 'file', filename: path } };
    await driver.start(web, { sources: [source], paused: false });
    try {
      await truncate(path, 3 * MIB);
      await driver.resize(web, { disk: { ...disk, size: 3 }, source });
      assert.equal(driver.guests()[0]?.state, 'running');
    } finally {
      await driver.stop(web, { timeout: 0, force: true });
    }
    const wrong = { blockdev: { driver: 'file', filename: `${path}.not` } };
    await assert.rejects(driver.start(web, { sources: [wrong], paused: false }), { code: 'hypervisor' });
  });

  it('are locked, so that no second guest on a shared folder can use them', async () => {
    const [here, there] = [await open(), await open()];
    const [web, twin] = [kvmInstance('web'), kvmInstance('twin')];
    const path = await tinyDisk(here.folder, web);
    await here.driver.start(web, { sources: [{ path }], paused: false });
    try {
      await assert.rejects(there.driver.start(twin, { sources: [{ path }], paused: false }), {
        code: 'hypervisor',
        message: /lock/,
      });
    } finally {
      await here.driver.stop(web, { timeout: 0, force: true });
    }
  });
});
