import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Hypervisor } from '../../../lib/node/hypervisors/define.ts';
import type { InstanceTarget, NicTarget } from '../../../lib/rpc/types.ts';
import { type HypervisorFixture, Stage } from './stage.ts';

type Abilities = HypervisorFixture['abilities'];

/** What a driver must do with each ability that its fixture names. */
export function abilityConformance(fixture: HypervisorFixture): void {
  const { check, resize, setMemory, hotplug, migration, agents, powerCut } = fixture.abilities;
  const group = (name: string, tests: (stage: Stage) => void) =>
    describe(name, () => {
      const stage = new Stage(fixture);
      before(() => stage.open());
      after(() => stage.resources.close());
      tests(stage);
    });
  if (check) group('check', (stage) => checkTests(stage, check));
  if (resize) group('resize', (stage) => resizeTests(stage, resize));
  if (setMemory) group('setMemory', (stage) => memoryTests(stage, setMemory));
  if (hotplug) group('hotplug', (stage) => hotplugTests(stage, hotplug));
  if (migration) group('migration', migrationTests);
  if (agents) group('agents', (stage) => agentTests(stage, agents));
  if (powerCut) group('powerCut', powerCutTests);
}

/** A member that the driver has, as its fixture says. */
function has<T>(member: T | undefined): T {
  if (member !== undefined) return member;
  throw new Error('The driver lacks what its fixture names');
}

function checkTests(stage: Stage, { refused }: NonNullable<Abilities['check']>): void {
  const check = (instance: InstanceTarget) => has(stage.driver.check?.(instance));

  it('accepts what can be started, and starts nothing', async () => {
    await check(stage.web);
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('refuses what cannot be started, and leaves nothing of it', async () => {
    await assert.rejects(check(refused(stage.folder)), { code: 'hypervisor' });
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('does not touch a guest that runs, whether it accepts or refuses its instance', async () => {
    await stage.start(stage.web);
    const before = stage.driver.guests();
    const changes = await stage.changes(async () => {
      await check(stage.web);
      const { hvparams } = refused(stage.folder);
      await assert.rejects(check({ ...stage.web, hvparams }), { code: 'hypervisor' });
    });
    assert.deepEqual([changes, stage.driver.guests()], [0, before]);
  });
}

function agentTests(stage: Stage, { path }: NonNullable<Abilities['agents']>): void {
  const port = (instance: InstanceTarget) => has(stage.driver.agents).port(instance.uuid);

  it('has a port for each guest that runs, at which nobody listens yet, and tells the end of the guest', async () => {
    const events: string[] = [];
    has(stage.driver.agents).onEvent((uuid, event) => {
      if (uuid === stage.web.uuid) events.push(event);
    });
    assert.equal(port(stage.web), null);
    await stage.start(stage.web);
    assert.deepEqual(port(stage.web), { path: path(stage.folder, stage.web), isOpen: false });
    assert.equal(port(stage.mail), null);
    await stage.end(stage.web);
    assert.equal(port(stage.web), null);
    assert.equal(events.at(-1), 'gone');
  });

  it('has it also after a restart of the worker', async () => {
    await stage.start(stage.web);
    await stage.reopen();
    assert.deepEqual(port(stage.web), { path: path(stage.folder, stage.web), isOpen: false });
  });
}

function resizeTests(stage: Stage, { grow, sizeOf }: NonNullable<Abilities['resize']>): void {
  type Disk = Awaited<ReturnType<typeof grow>>;
  const resize = (disk: Disk) => has(stage.driver.resize?.(stage.web, disk));

  it('does nothing where the guest does not run', async () => {
    await stage.sources(stage.web);
    await resize(await grow(stage.folder, stage.web));
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('shows a running guest the new size of a disk, and succeeds again', async () => {
    await stage.start(stage.web);
    const before = await sizeOf(stage.folder, stage.web);
    const disk = await grow(stage.folder, stage.web);
    assert.notEqual(disk.disk.size, before);
    for (let again = 0; again < 2; again++) {
      await resize(disk);
      assert.equal(await sizeOf(stage.folder, stage.web), disk.disk.size);
    }
    assert.equal(stage.factsOf(stage.web)?.state, 'running');
  });

  it('fails for a disk that the guest does not have', async () => {
    const { disk } = await grow(stage.folder, stage.web);
    const stranger: Disk = { disk: { ...disk, uuid: randomUUID() }, source: { path: '/no/disk' } };
    await assert.rejects(resize(stranger), { code: 'hypervisor' });
  });

  it('does nothing where the guest is stopped', async () => {
    const disk = await grow(stage.folder, stage.web);
    await stage.end(stage.web);
    await resize(disk);
    assert.notEqual(stage.factsOf(stage.web)?.state, 'running');
  });
}

function memoryTests(stage: Stage, { memoryOf }: NonNullable<Abilities['setMemory']>): void {
  const setMemory = (memory: number) => has(stage.driver.setMemory?.(stage.web, memory));

  it('fails where the guest does not run', async () => {
    await assert.rejects(setMemory(8), { code: 'wrong_state' });
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('changes the memory of a running guest, down and up, tells the change, and succeeds again', async () => {
    await stage.start(stage.web);
    const { maxmem } = stage.web.beparams;
    for (const memory of [maxmem / 2, maxmem / 2, maxmem, maxmem * 0.75]) {
      if (stage.factsOf(stage.web)?.memory === memory) await setMemory(memory);
      else await stage.tells(() => setMemory(memory));
      assert.equal(stage.factsOf(stage.web)?.memory, memory);
      assert.equal(await memoryOf(stage.folder, stage.web), memory);
    }
    assert.equal(stage.factsOf(stage.web)?.state, 'running');
  });

  it("is known in the worker's next life", async () => {
    await stage.reopen();
    assert.equal(stage.factsOf(stage.web)?.memory, stage.web.beparams.maxmem * 0.75);
  });

  it('fails where the guest is stopped, and is forgotten at the next start', async () => {
    await stage.end(stage.web);
    await assert.rejects(setMemory(8), { code: 'wrong_state' });
    await stage.start(stage.web);
    assert.equal(stage.factsOf(stage.web)?.memory, stage.web.beparams.maxmem);
  });
}

function hotplugTests(stage: Stage, { newDisk, hasDevice }: NonNullable<Abilities['hotplug']>): void {
  const nic: NicTarget = {
    ...{ uuid: randomUUID(), name: null, mac: 'aa:00:00:00:00:07', ip: null },
    nicparams: { mode: 'routed', link: '', vlan: '' },
  };
  let disk: Awaited<ReturnType<typeof newDisk>>;
  /** The instance with the devices. */
  let full: InstanceTarget;
  before(async () => {
    disk = await newDisk(stage.folder);
    full = { ...stage.web, disks: [...stage.web.disks, disk.disk], nics: [nic] };
  });
  const devices = () => [disk, { nic: 0 }] as const;
  const plug = async () => {
    for (const device of devices()) await has(stage.driver.hotplug).plug(full, device);
  };
  const unplug = async () => {
    for (const device of devices()) await has(stage.driver.hotplug).unplug(full, device);
  };
  const found = () =>
    Promise.all([disk.disk, nic].map(({ uuid }) => hasDevice(stage.folder, stage.web, uuid)));

  it('does nothing where the guest does not run', async () => {
    await plug();
    await unplug();
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('gives a running guest a disk and a NIC, and succeeds again', async () => {
    await stage.start(stage.web);
    assert.deepEqual(await found(), [false, false]);
    for (let again = 0; again < 2; again++) {
      await plug();
      assert.deepEqual(await found(), [true, true]);
    }
    assert.equal(stage.factsOf(stage.web)?.state, 'running');
  });

  it("has the guest give them up in the worker's next life, and succeeds again", async () => {
    await stage.reopen();
    assert.deepEqual(await found(), [true, true]);
    for (let again = 0; again < 2; again++) {
      await unplug();
      assert.deepEqual(await found(), [false, false]);
    }
    assert.equal(stage.factsOf(stage.web)?.state, 'running');
  });

  it('touches no other device: the guest has its own, and gets one alone', async () => {
    const [first] = stage.web.disks;
    await has(stage.driver.hotplug).plug(full, { nic: 0 });
    assert.deepEqual(await found(), [false, true]);
    if (first) assert.equal(await hasDevice(stage.folder, stage.web, first.uuid), true);
    await has(stage.driver.hotplug).unplug(full, disk);
    assert.deepEqual(await found(), [false, true]);
  });

  it('does nothing where the guest is stopped', async () => {
    await stage.end(stage.web);
    await plug();
    await unplug();
    assert.notEqual(stage.factsOf(stage.web)?.state, 'running');
  });
}

function migrationTests(stage: Stage): void {
  let there: Hypervisor;
  before(async () => {
    there = await stage.openDriver(await stage.resources.folder());
    stage.resources.add(() => there.close());
    for (const instance of [stage.web, stage.mail]) stage.resources.add(() => stage.end(instance, there));
  });
  const here = () => has(stage.driver.migration);
  const receive = async (instance: InstanceTarget, driver = there) =>
    has(driver.migration).receive(instance, { sources: await stage.sources(instance) });
  const stateOf = (instance: InstanceTarget, driver: Hypervisor) => stage.factsOf(instance, driver)?.state;
  let to: string;

  it('can neither send nor resume a guest that does not exist', async () => {
    await assert.rejects(here().send(stage.web, ''), { code: 'wrong_state' });
    await assert.rejects(here().resume(stage.web), { code: 'wrong_state' });
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('makes a paused guest that waits for its state, tells it, and succeeds again with the same answer', async () => {
    await stage.start(stage.web);
    await stage.tells(async () => (to = await receive(stage.web)), there);
    assert.equal(stateOf(stage.web, there), 'paused');
    assert.equal(await receive(stage.web), to);
    assert.equal(there.guests().length, 1);
    assert.equal(stateOf(stage.web, stage.driver), 'running');
  });

  it('receives no guest where it runs', async () => {
    await assert.rejects(receive(stage.web, stage.driver), { code: 'wrong_state' });
    assert.equal(stateOf(stage.web, stage.driver), 'running');
  });

  it('sends a running guest, which does not execute here any more, and succeeds again', async () => {
    await stage.tells(() => here().send(stage.web, to));
    assert.notEqual(stateOf(stage.web, stage.driver), 'running');
    await here().send(stage.web, to);
    assert.notEqual(stateOf(stage.web, stage.driver), 'running');
  });

  it('lets it run there, tells it, and succeeds again', async () => {
    const resume = () => has(there.migration).resume(stage.web);
    await stage.tells(resume, there);
    assert.equal(stateOf(stage.web, there), 'running');
    await resume();
    const { name, memory, vcpus, by_user } = has(stage.factsOf(stage.web, there));
    const { maxmem, vcpus: cpus } = stage.web.beparams;
    assert.deepEqual([name, memory, vcpus, by_user], [stage.web.name, maxmem, cpus, false]);
    assert.notEqual(stateOf(stage.web, stage.driver), 'running');
  });

  it('is stopped and forgotten where it came from, and not where it went', async () => {
    await stage.end(stage.web);
    await stage.driver.forget(stage.web);
    assert.deepEqual(stage.driver.guests(), []);
    assert.equal(stateOf(stage.web, there), 'running');
  });

  it('lets a guest run again that was sent in vain', async () => {
    await stage.start(stage.mail);
    await here().send(stage.mail, await receive(stage.mail));
    await stage.end(stage.mail, there);
    await there.forget(stage.mail);
    await here().resume(stage.mail);
    assert.equal(stateOf(stage.mail, stage.driver), 'running');
    assert.equal(stage.factsOf(stage.mail, there), undefined);
  });
}

function powerCutTests(stage: Stage): void {
  const powerCut = () => has(stage.driver.powerCut?.());

  it('succeeds where there are no guests', async () => {
    await powerCut();
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('ends all guests, tells it, and succeeds again', async () => {
    await stage.start(stage.web);
    await stage.start(stage.mail, true);
    await stage.tells(powerCut);
    assert.deepEqual(stage.driver.guests(), []);
    await powerCut();
    await stage.reopen();
    assert.deepEqual(stage.driver.guests(), []);
  });

  it('leaves guests that can be started again', async () => {
    await stage.start(stage.web);
    assert.equal(stage.factsOf(stage.web)?.state, 'running');
  });
}
