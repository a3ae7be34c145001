import assert from 'node:assert/strict';
import { open, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { StorageDriver } from '../../../lib/node/storage/define.ts';
import type { DiskTarget } from '../../../lib/rpc/types.ts';
import { Resources } from '../helpers.ts';

/** A driver under test, with disks that do not exist yet. */
export interface StorageFixture {
  driver: StorageDriver;
  /** Whether no real guest can use the disks; by default each can. */
  simulated?: boolean;
  /** Two disks of 2 MiB. */
  disks: [DiskTarget, DiskTarget];
  /** How to read and write the data at a disk's path, for templates that have data. */
  data: {
    write(path: string, text: string): Promise<void>;
    /** The beginning of the data. */
    read(path: string, length: number): Promise<Buffer>;
  } | null;
}

/** The data of templates whose disks are files, or look like files. */
export const fileData: NonNullable<StorageFixture['data']> = {
  async write(path, text) {
    const file = await open(path, 'r+');
    await file.write(text, 0);
    await file.close();
  },
  read: async (path, length) => (await readFile(path)).subarray(0, length),
};

/** What every storage driver must do. To be called at the top of the driver's test file. */
export function storageConformance(
  template: string,
  make: (resources: Resources) => Promise<StorageFixture>,
): void {
  describe(`storage driver ${template}`, () => {
    const resources = new Resources();
    after(() => resources.close());
    let fixture: StorageFixture;
    before(async () => {
      fixture = await make(resources);
    });

    /** Asserts whether the data is there; a template without data always has all that it needs. */
    async function assertExists(disk: DiskTarget, exists: boolean): Promise<void> {
      const status = await fixture.driver.status(disk);
      if (!fixture.data) {
        const nothing = { path: null, exists: true, size: null, active: true, mirror: null };
        assert.deepEqual(status, nothing);
      } else {
        assert.ok(status.path?.startsWith('/'));
        assert.deepEqual([status.exists, status.size], [exists, exists ? disk.size : null]);
      }
    }

    it('serves its template, and says whether it only simulates it', () => {
      assert.equal(fixture.driver.template, template);
      assert.equal(fixture.driver.simulated, fixture.simulated ?? false);
    });

    it('removes what does not exist', async () => {
      await fixture.driver.remove(fixture.disks[0]);
      await assertExists(fixture.disks[0], false);
    });

    it('creates a disk, also when it is there already', async () => {
      const [disk, other] = fixture.disks;
      await fixture.driver.create(disk);
      await assertExists(disk, true);
      await assertExists(other, false);
      await fixture.driver.create(disk);
      await assertExists(disk, true);
    });

    it('keeps the data when a disk is created again, and zeroes it when it is emptied', async () => {
      const [disk] = fixture.disks;
      const { path } = await fixture.driver.status(disk);
      if (fixture.data && path) await fixture.data.write(path, 'precious');
      await fixture.driver.create(disk);
      if (fixture.data && path) assert.equal(String(await fixture.data.read(path, 8)), 'precious');
      await fixture.driver.empty(disk);
      await assertExists(disk, true);
      if (fixture.data && path) assert.deepEqual(await fixture.data.read(path, 8), Buffer.alloc(8));
    });

    it('refuses to create a disk that is there with another size, and leaves it as it is', async () => {
      const [disk] = fixture.disks;
      const bigger = { ...disk, size: disk.size + 1 };
      if (fixture.data) await assert.rejects(fixture.driver.create(bigger), { code: 'block_device' });
      else await fixture.driver.create(bigger);
      await assertExists(disk, true);
    });

    it('is active when it is activated, and deactivates what is there and what is not', async () => {
      const [disk, other] = fixture.disks;
      await fixture.driver.activate(disk, true);
      await fixture.driver.activate(disk, true);
      assert.equal((await fixture.driver.status(disk)).active, true);
      await fixture.driver.deactivate(disk);
      await fixture.driver.deactivate(disk);
      await fixture.driver.deactivate(other);
      await assertExists(disk, true);
      if (fixture.data) await assert.rejects(fixture.driver.activate(other, true), { code: 'block_device' });
    });

    it('opens what is active, and nothing else', async () => {
      const [disk, other] = fixture.disks;
      const { driver, data } = fixture;
      if (!data) return assert.rejects(driver.open(disk), { code: 'block_device' });
      await driver.activate(disk, true);
      const { path, blockdev } = await driver.open(disk);
      assert.ok(path?.startsWith('/') || blockdev?.driver);
      await assert.rejects(driver.open(other), { code: 'block_device' });
    });

    it('gives all bytes of a disk, and takes as many as it has', async () => {
      const [disk] = fixture.disks;
      const { driver, data } = fixture;
      const { path } = await driver.status(disk);
      if (!driver.read || !driver.fill || !data || !path) return assert.equal(data, null);
      const bytes = Buffer.alloc(disk.size * 1024 * 1024, 'tape');
      await driver.fill(disk, Readable.from([bytes.subarray(0, 5000), bytes.subarray(5000)]));
      assert.deepEqual(await data.read(path, bytes.length), bytes);
      assert.deepEqual(await buffer(Readable.from(await driver.read(disk))), bytes);
      for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, bytes.subarray(0, 1)])])
        await assert.rejects(driver.fill(disk, Readable.from([wrong])), { code: 'block_device' });
      await driver.empty(disk);
    });

    it('copies, takes snapshots and renames as far as it can', async () => {
      const [disk, other] = fixture.disks;
      const { driver, data } = fixture;
      const { path } = await driver.status(disk);
      const { path: otherPath } = await driver.status(other);
      if (!data || !path || !otherPath) return;
      await data.write(path, 'precious');
      const has = async () => String(await data.read(otherPath, 8));
      if (driver.copy) {
        await driver.create(other);
        await driver.activate(other, true);
        for (let again = 0; again < 2; again++) await driver.copy(disk, other);
        assert.equal(await has(), 'precious');
        await driver.remove(other);
      }
      if (driver.snapshot) {
        await driver.snapshot(disk, other);
        assert.equal(await has(), 'precious');
        assert.equal((await driver.status(other)).active, true);
        await driver.remove(other);
      }
      if (driver.rename) {
        for (let again = 0; again < 2; again++) await driver.rename(disk, other);
        assert.equal(await has(), 'precious');
        await assertExists(disk, false);
        await driver.rename(other, disk);
        await assertExists(other, false);
      }
      await driver.empty(disk);
    });

    it('grows a disk and keeps its data, and never makes it smaller', async () => {
      const [disk] = fixture.disks;
      const { path } = await fixture.driver.status(disk);
      if (fixture.data && path) await fixture.data.write(path, 'precious');
      const bigger = { ...disk, size: disk.size + 2 };
      for (const size of [bigger.size, bigger.size, 1]) {
        await fixture.driver.grow(disk, size);
        await assertExists(bigger, true);
      }
      if (fixture.data && path) assert.equal(String(await fixture.data.read(path, 8)), 'precious');
      await fixture.driver.remove(bigger);
      await fixture.driver.create(disk);
      await assertExists(disk, true);
    });

    it('removes one disk and not another, and succeeds again', async () => {
      const [disk, other] = fixture.disks;
      await fixture.driver.create(other);
      await fixture.driver.remove(disk);
      await assertExists(disk, false);
      await assertExists(other, true);
      await fixture.driver.remove(disk);
      await fixture.driver.remove(other);
      await assertExists(other, false);
    });
  });
}
