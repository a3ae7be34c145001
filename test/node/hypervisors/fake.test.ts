import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../lib/base/log.ts';
import { FakeHypervisor } from '../../../lib/node/hypervisors/fake.ts';
import { fileDisk, instanceTarget, Resources } from '../helpers.ts';
import { hypervisorConformance } from './conformance.ts';

/** A simulated guest as its file has it. */
const guestOf = async (folder: string, name: string) =>
  JSON.parse(await readFile(join(folder, 'guests', `${name}.json`), 'utf8'));

hypervisorConformance('fake', {
  create: (folder) => new FakeHypervisor(folder, silentLogger),
  instance: (name) => instanceTarget({ name, disks: [fileDisk(`/disks/${name}`)] }),
  abilities: {
    setMemory: { memoryOf: async (folder, { name }) => (await guestOf(folder, name)).memory },
    hotplug: {
      newDisk: async () => ({
        disk: fileDisk('/disks/new'),
        source: { path: '/disks/new' },
        path: '/disks/new',
      }),
      hasDevice: async (folder, { name }, uuid) => (await guestOf(folder, name)).devices.includes(uuid),
    },
    migration: {},
    powerCut: {},
  },
});

describe('simulated guests', () => {
  const resources = new Resources();
  after(() => resources.close());

  async function open(): Promise<{ driver: FakeHypervisor; guests: string }> {
    const folder = await resources.folder();
    const driver = new FakeHypervisor(folder, silentLogger);
    await driver.open();
    resources.add(() => driver.close());
    return { driver, guests: join(folder, 'guests') };
  }

  it('are known by their uuid: what is asked of an instance does not touch another one of the same name', async () => {
    const { driver } = await open();
    const old = instanceTarget();
    const fresh = { ...old, uuid: 'b7c0ec6b-0f0c-4ed2-8a3c-2f4f7d6f9f10' };
    await driver.start(old, { sources: [], paused: false });
    await driver.stop(fresh);
    await driver.forget(fresh);
    await assert.rejects(driver.reset(fresh), { code: 'wrong_state' });
    await assert.rejects(driver.start(fresh, { sources: [], paused: false }), { code: 'wrong_state' });
    assert.deepEqual(
      driver.guests().map(({ uuid, state }) => [uuid, state]),
      [[old.uuid, 'running']],
    );
    await driver.stop(old);
    await driver.start(fresh, { sources: [], paused: false });
    await driver.stop(old);
    assert.deepEqual(
      driver.guests().map(({ uuid, state }) => [uuid, state]),
      [[fresh.uuid, 'running']],
    );
  });

  it('are found by their uuid where they have another name than their instance', async () => {
    const { driver } = await open();
    const web = instanceTarget();
    await driver.start(web, { sources: [], paused: true });
    const renamed = { ...web, name: 'www.example.com' };
    await driver.reset(renamed);
    assert.equal(driver.guests()[0]?.state, 'running');
    await driver.migration.send(renamed, '');
    await driver.start(renamed, { sources: [], paused: false });
    assert.deepEqual(
      driver.guests().map(({ name, state }) => [name, state]),
      [['www.example.com', 'running']],
    );
  });

  it('are files that a test may rewrite, which is noticed', async () => {
    const { driver, guests } = await open();
    const web = instanceTarget();
    await driver.start(web, { sources: [], paused: false });
    const file = join(guests, 'web.example.com.json');
    const guest = JSON.parse(await readFile(file, 'utf8'));
    const noticed = new Promise<void>((resolve) => {
      driver.onChange(resolve);
    });
    await writeFile(file, JSON.stringify({ ...guest, state: 'stopped', by_user: true }));
    const [facts] = driver.guests();
    assert.deepEqual([facts?.state, facts?.by_user], ['stopped', true]);
    await noticed;
    await driver.start(web, { sources: [], paused: false });
    assert.deepEqual([driver.guests()[0]?.state, driver.guests()[0]?.by_user], ['running', false]);
  });

  it('are not touched, and reported with their last readable state, while their file cannot be read', async () => {
    const { driver, guests } = await open();
    await driver.start(instanceTarget(), { sources: [], paused: false });
    assert.equal(driver.guests().length, 1);
    await writeFile(join(guests, 'web.example.com.json'), '{"name": "web');
    await writeFile(join(guests, 'other.json'), 'nonsense');
    assert.deepEqual(
      driver
        .guests()
        .map(({ name, state, trouble }) => [
          name,
          state,
          /\.json .*; the guest is not touched/.test(trouble ?? ''),
        ]),
      [
        ['other', 'running', true],
        ['web.example.com', 'running', true],
      ],
    );
    const refused = {
      code: 'configuration',
      message: /web\.example\.com\.json .*JSON, or incomplete; /,
    };
    await assert.rejects(driver.start(instanceTarget(), { sources: [], paused: false }), refused);
    await assert.rejects(driver.stop(instanceTarget()), refused);
    await assert.rejects(driver.forget(instanceTarget()), refused);
    assert.equal(await readFile(join(guests, 'web.example.com.json'), 'utf8'), '{"name": "web');
  });

  it('remember what devices they have', async () => {
    const { driver, guests } = await open();
    const disk = fileDisk('/disks/a');
    const nic = {
      ...{ uuid: 'nic', name: null, mac: 'aa:00:00:00:00:01', ip: null },
      nicparams: { mode: 'bridged', link: 'br0', vlan: '' },
    };
    const web = instanceTarget({ disks: [disk] });
    const after = { ...web, nics: [nic] };
    await driver.hotplug.plug(after, { nic: 0 }); // it does not run: nothing to do
    await driver.start(web, { sources: [], paused: false });
    const devices = async () =>
      JSON.parse(await readFile(join(guests, 'web.example.com.json'), 'utf8')).devices;
    assert.deepEqual(await devices(), [disk.uuid]);
    for (let again = 0; again < 2; again++) await driver.hotplug.plug(after, { nic: 0 });
    assert.deepEqual(await devices(), [disk.uuid, 'nic']);
    for (let again = 0; again < 2; again++) await driver.hotplug.unplug(after, { disk, path: '' });
    assert.deepEqual(await devices(), ['nic']);
    const file = join(guests, 'web.example.com.json');
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), state: 'stopped' }));
    await driver.hotplug.plug(web, { disk, source: { path: '' } }); // it was stopped from inside: nothing to do
    assert.deepEqual(await devices(), ['nic']);
  });

  it('cannot have names that lead out of the folder', async () => {
    const { driver, guests } = await open();
    for (const name of ['../evil', '.hidden', 'a/b', '']) {
      const start = driver.start(instanceTarget({ name }), { sources: [], paused: false });
      await assert.rejects(start, { code: 'wrong_input' });
    }
    assert.deepEqual(await readdir(guests), []);
  });
});
