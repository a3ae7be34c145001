import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Hypervisor } from '../../../lib/node/hypervisors/define.ts';
import type { DiskSource } from '../../../lib/node/storage/define.ts';
import { GuestFacts, type InstanceTarget } from '../../../lib/rpc/types.ts';
import { Resources } from '../helpers.ts';

/** What the suite needs of a driver under test. */
export interface HypervisorFixture {
  /** Makes a driver on a worker's folder, not yet opened. A second one on the same folder is the next life of the worker. */
  create(folder: string): Hypervisor;
  /** An instance with that name which the driver can run. */
  instance(name: string): InstanceTarget;
  /** Where the instance's disks are, made if need be; by default it has none. */
  sources?(folder: string, instance: InstanceTarget): Promise<DiskSource[]>;
}

/** What every hypervisor driver must do. To be called at the top of the driver's test file. */
export function hypervisorConformance(kind: string, fixture: HypervisorFixture): void {
  describe(`hypervisor driver ${kind}`, () => {
    const resources = new Resources();
    after(() => resources.close());
    const web = fixture.instance('web.example.com');
    const mail = fixture.instance('mail.example.com');
    let folder: string;
    let driver: Hypervisor;

    before(async () => {
      folder = await resources.folder();
      driver = fixture.create(folder);
      await driver.open();
      resources.add(() => driver.close());
      for (const instance of [web, mail])
        resources.add(() => driver.stop(instance, { timeout: 0, force: true }));
    });

    const factsOf = (instance: InstanceTarget): GuestFacts | undefined =>
      driver.guests().find((guest) => guest.uuid === instance.uuid);
    const isDown = (instance: InstanceTarget) => (factsOf(instance)?.state ?? 'stopped') === 'stopped';
    const start = async (instance: InstanceTarget, paused = false) =>
      driver.start(instance, { sources: (await fixture.sources?.(folder, instance)) ?? [], paused });

    it('is of its kind and has no guests at first', () => {
      assert.equal(driver.kind, kind);
      assert.deepEqual(driver.guests(), []);
    });

    it('does nothing for a guest that does not exist, and cannot reset it', async () => {
      await driver.stop(web, { timeout: 0, force: false });
      await driver.forget(web);
      await assert.rejects(driver.reset(web), { code: 'wrong_state' });
      assert.deepEqual(driver.guests(), []);
    });

    it('starts a guest and tells about it and the change', async () => {
      let changes = 0;
      driver.onChange(() => changes++);
      await start(web);
      assert.ok(changes > 0);
      const facts = factsOf(web);
      assert.deepEqual(GuestFacts.parse(facts), facts);
      const { name, hypervisor, state, memory, vcpus, by_user } = facts as GuestFacts;
      assert.deepEqual([name, hypervisor, state, by_user], [web.name, kind, 'running', false]);
      assert.deepEqual([memory, vcpus], [web.beparams.maxmem, web.beparams.vcpus]);
      assert.equal(facts?.console.instance, web.name);
    });

    it('succeeds in starting what runs', async () => {
      await start(web);
      assert.equal(driver.guests().length, 1);
      assert.equal(factsOf(web)?.state, 'running');
    });

    it('starts a guest paused', async () => {
      await start(mail, true);
      assert.equal(factsOf(mail)?.state, 'paused');
      assert.equal(driver.guests().length, 2);
    });

    it('resets a running guest', async () => {
      await driver.reset(web);
      assert.equal(factsOf(web)?.state, 'running');
    });

    it('forgets no guest that runs', async () => {
      await assert.rejects(driver.forget(web), { code: 'wrong_state' });
      assert.equal(factsOf(web)?.state, 'running');
    });

    it('leaves the guests alone when it closes, and finds them again', async () => {
      const before = driver.guests();
      await driver.close();
      driver = fixture.create(folder);
      await driver.open();
      const byName = (a: GuestFacts, b: GuestFacts) => a.name.localeCompare(b.name);
      assert.deepEqual([...driver.guests()].sort(byName), [...before].sort(byName));
      await start(web);
      assert.equal(driver.guests().length, 2);
    });

    it('stops a guest, tells the change, and succeeds again', async () => {
      let changes = 0;
      driver.onChange(() => changes++);
      await driver.stop(web, { timeout: 0, force: false });
      assert.ok(changes > 0);
      assert.ok(isDown(web));
      await driver.stop(web, { timeout: 0, force: true });
      assert.ok(isDown(web));
      assert.notEqual(factsOf(web)?.by_user, true);
      assert.equal(factsOf(mail)?.state, 'paused');
    });

    it('starts a stopped guest again', async () => {
      await start(web);
      assert.equal(factsOf(web)?.state, 'running');
      await driver.stop(web, { timeout: 0, force: true });
      assert.ok(isDown(web));
    });

    it('forgets what is stopped, for good', async () => {
      await driver.forget(web);
      await driver.stop(mail, { timeout: 0, force: true });
      await driver.forget(mail);
      await driver.forget(mail);
      assert.deepEqual(driver.guests(), []);
      await driver.close();
      driver = fixture.create(folder);
      await driver.open();
      assert.deepEqual(driver.guests(), []);
    });
  });
}
