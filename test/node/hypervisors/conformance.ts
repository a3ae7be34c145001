import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GuestFacts, type InstanceTarget } from '../../../lib/rpc/types.ts';
import { abilityConformance } from './conformance-abilities.ts';
import { abilitiesOf, type HypervisorFixture, Stage } from './stage.ts';

/**
 * What every hypervisor driver must do, and what it must do with each ability that its fixture names. To be called at the top of the
 * driver's test file.
 */
export function hypervisorConformance(kind: string, fixture: HypervisorFixture): void {
  describe(`hypervisor driver ${kind}`, () => {
    const stage = new Stage(fixture);
    before(() => stage.open());
    after(() => stage.resources.close());
    const isDown = (instance: InstanceTarget) => (stage.factsOf(instance)?.state ?? 'stopped') === 'stopped';

    it('is of its kind and has no guests at first', () => {
      assert.equal(stage.driver.kind, kind);
      assert.deepEqual(stage.driver.guests(), []);
    });

    it('has the abilities that its fixture names, and no others', () => {
      assert.deepEqual(abilitiesOf(stage.driver).sort(), Object.keys(fixture.abilities).sort());
    });

    it('does nothing for a guest that does not exist, and cannot reset it', async () => {
      const { driver, web } = stage;
      await driver.stop(web, { timeout: 0, force: false });
      await driver.forget(web);
      await assert.rejects(driver.reset(web), { code: 'wrong_state' });
      assert.deepEqual(driver.guests(), []);
    });

    it('starts a guest and tells about it and the change', async () => {
      const { web } = stage;
      await stage.tells(() => stage.start(web));
      const facts = stage.factsOf(web);
      assert.deepEqual(GuestFacts.parse(facts), facts);
      const { name, hypervisor, state, memory, vcpus, by_user } = facts as GuestFacts;
      assert.deepEqual([name, hypervisor, state, by_user], [web.name, kind, 'running', false]);
      assert.deepEqual([memory, vcpus], [web.beparams.maxmem, web.beparams.vcpus]);
      assert.equal(facts?.console.instance, web.name);
    });

    it('succeeds in starting what runs', async () => {
      await stage.start(stage.web);
      assert.equal(stage.driver.guests().length, 1);
      assert.equal(stage.factsOf(stage.web)?.state, 'running');
    });

    it('starts a guest paused', async () => {
      await stage.start(stage.mail, true);
      assert.equal(stage.factsOf(stage.mail)?.state, 'paused');
      assert.equal(stage.driver.guests().length, 2);
    });

    it('resets a running guest', async () => {
      await stage.driver.reset(stage.web);
      assert.equal(stage.factsOf(stage.web)?.state, 'running');
    });

    it('forgets no guest that runs', async () => {
      await assert.rejects(stage.driver.forget(stage.web), { code: 'wrong_state' });
      assert.equal(stage.factsOf(stage.web)?.state, 'running');
    });

    it('leaves the guests alone when it closes, and finds them again', async () => {
      const before = stage.driver.guests();
      await stage.reopen();
      const byName = (a: GuestFacts, b: GuestFacts) => a.name.localeCompare(b.name);
      assert.deepEqual([...stage.driver.guests()].sort(byName), [...before].sort(byName));
      await stage.start(stage.web);
      assert.equal(stage.driver.guests().length, 2);
    });

    it('stops a guest, tells the change, and succeeds again', async () => {
      const { driver, web, mail } = stage;
      await stage.tells(() => driver.stop(web, { timeout: 0, force: false }));
      assert.equal(isDown(web), true);
      await stage.end(web);
      assert.equal(isDown(web), true);
      assert.notEqual(stage.factsOf(web)?.by_user, true);
      assert.equal(stage.factsOf(mail)?.state, 'paused');
      await assert.rejects(driver.reset(web), { code: 'wrong_state' });
    });

    it('starts a stopped guest again', async () => {
      await stage.start(stage.web);
      assert.equal(stage.factsOf(stage.web)?.state, 'running');
      await stage.end(stage.web);
      assert.equal(isDown(stage.web), true);
    });

    it('forgets what is stopped, for good', async () => {
      const { driver, web, mail } = stage;
      await driver.forget(web);
      await stage.end(mail);
      await driver.forget(mail);
      await driver.forget(mail);
      assert.deepEqual(driver.guests(), []);
      await stage.reopen();
      assert.deepEqual(stage.driver.guests(), []);
    });

    abilityConformance(fixture);
  });
}
