import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { MerapiError } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import type { Hypervisor } from '../../../lib/node/hypervisors/define.ts';
import { findByPidFile, type ProcessId, runs } from '../../../lib/node/hypervisors/kvm/process.ts';
import { socketsOf } from '../../../lib/node/hypervisors/kvm/sockets.ts';
import { KvmHypervisor } from '../../../lib/node/hypervisors/kvm.ts';
import type { InstanceTarget } from '../../../lib/rpc/types.ts';
import { Resources } from '../helpers.ts';
import { hypervisorConformance } from './conformance.ts';
import {
  askQemu,
  kvmInstance,
  type Manner,
  NotedNetwork,
  newDisk,
  TapNetwork,
  tinyDisk,
  until,
} from './kvm-helpers.ts';

const MIB = 1024 * 1024;

const create = (folder: string, network = new NotedNetwork()): Hypervisor =>
  new KvmHypervisor({ folder, network, log: silentLogger, accel: 'tcg' });

/** The socket of a second monitor, by which a test asks QEMU what the guest has. */
const monitorOf = (folder: string, { name }: { name: string }) => join(folder, `${name}.qmp`);

hypervisorConformance('kvm', {
  create: (folder) => create(folder, new TapNetwork()),
  instance: (name, folder) => {
    const kvm_extra = `-qmp unix:${monitorOf(folder, { name })},server=on,wait=off`;
    return kvmInstance(name, { hvparams: { kvm_extra } });
  },
  sources: async (folder, instance) => [{ path: await tinyDisk(folder, instance, 'able') }],
  abilities: {
    check: { refused: () => kvmInstance('wrong', { hvparams: { machine_version: 'pdp11' } }) },
    resize: {
      async grow(folder, instance) {
        const path = join(folder, `${instance.name}.raw`);
        const [disk] = instance.disks;
        assert.ok(disk);
        const size = (await stat(path)).size / MIB + 1;
        await truncate(path, size * MIB);
        return { disk: { ...disk, size }, source: { path } };
      },
      async sizeOf(folder, instance) {
        const nodes = await askQemu(monitorOf(folder, instance), 'query-named-block-nodes', { flat: true });
        const Nodes = z.array(
          z.object({ file: z.string(), image: z.object({ 'virtual-size': z.number() }) }),
        );
        const path = join(folder, `${instance.name}.raw`);
        const sizes = Nodes.parse(nodes).filter(({ file }) => file === path);
        return Math.min(...sizes.map(({ image }) => image['virtual-size'])) / MIB;
      },
    },
    setMemory: {
      async memoryOf(folder, instance) {
        const balloon = await askQemu(monitorOf(folder, instance), 'query-balloon');
        return z.object({ actual: z.number() }).parse(balloon).actual / MIB;
      },
    },
    agents: {
      path: (folder, instance) => socketsOf(join(folder, 'guests', instance.uuid)).agent,
    },
    hotplug: {
      newDisk,
      async hasDevice(folder, instance, uuid) {
        const path = '/machine/peripheral';
        const devices = await askQemu(monitorOf(folder, instance), 'qom-list', { path });
        const names = z.array(z.object({ name: z.string() })).parse(devices);
        return names.some(({ name }) => name.endsWith(uuid.slice(0, 23)));
      },
    },
  },
});

describe('guests of kvm', () => {
  const resources = new Resources();
  after(() => resources.close());

  /** A driver on a new folder, whose guests are gone when the test ends. */
  async function open(network = new NotedNetwork()) {
    const folder = await resources.folder();
    let driver = create(folder, network);
    await driver.open();
    const started: InstanceTarget[] = [];
    resources.add(async () => {
      for (const instance of started) await driver.stop(instance, { timeout: 0, force: true });
      await driver.close();
    });
    return {
      folder,
      get driver() {
        return driver;
      },
      async start(instance: InstanceTarget, how: { paused?: boolean; manner?: Manner } = {}) {
        started.push(instance);
        const sources = [{ path: await tinyDisk(folder, instance, how.manner) }];
        await driver.start(instance, { sources, paused: how.paused ?? false });
      },
      /** The next life of the worker; `between` happens while there is none. */
      async reopen(between: () => Promise<unknown> = async () => undefined) {
        await driver.close();
        await between();
        driver = create(folder, network);
        await driver.open();
      },
      guestFolder: (instance: InstanceTarget) => join(folder, 'guests', instance.uuid),
      facts: (instance: InstanceTarget) => driver.guests().find(({ uuid }) => uuid === instance.uuid),
      async process(instance: InstanceTarget): Promise<ProcessId> {
        const found = (await findByPidFile(join(folder, 'guests'))).get(instance.uuid);
        assert.ok(found, 'the guest has a process');
        return found;
      },
    };
  }

  /** Waits until the guest executes: it has said its U. */
  const isUp = (guestFolder: string) =>
    until('the boot of the guest', async () =>
      (await readFile(join(guestFolder, 'serial.log'), 'utf8').catch(() => '')).includes('U'),
    );

  /** Has the guest turn itself off, as its user would. */
  const turnOff = (guestFolder: string) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(socketsOf(guestFolder).serial, () => socket.end('q'));
      socket.on('error', reject).on('close', () => resolve());
      socket.resume();
    });

  it('shut down when their power button is pressed, and leave nothing but their logs', async () => {
    const world = await open();
    const web = kvmInstance('web');
    await world.start(web);
    const process = await world.process(web);
    await isUp(world.guestFolder(web));
    assert.match(await readFile(`/proc/${process.pid}/cmdline`, 'utf8'), /\0-name\0web\0/);
    const begin = performance.now();
    await world.driver.stop(web, { timeout: 300, force: false });
    assert.ok(performance.now() - begin < 60_000, 'it did not wait for the timeout');
    assert.equal(await runs(process), false);
    assert.deepEqual(world.driver.guests(), []);
    const files = (await readdir(world.guestFolder(web))).sort();
    assert.deepEqual(files, ['qemu.log', 'runtime.json', 'serial.log']);
    await world.driver.forget(web);
    await assert.rejects(access(world.guestFolder(web)));
  });

  it('end at the timeout when they are deaf, and at once when a forced stop comes meanwhile', async () => {
    const world = await open();
    const [deaf, other] = [kvmInstance('deaf'), kvmInstance('other')];
    await world.start(deaf, { manner: 'deaf' });
    await world.start(other, { manner: 'deaf' });
    await Promise.all([isUp(world.guestFolder(deaf)), isUp(world.guestFolder(other))]);
    const waiting = world.driver.stop(other, { timeout: 3600, force: false });
    await world.driver.stop(deaf, { timeout: 1, force: false });
    assert.equal(world.facts(deaf), undefined);
    assert.equal(world.facts(other)?.state, 'running');
    await world.driver.stop(other, { timeout: 0, force: true });
    await waiting;
    assert.deepEqual(world.driver.guests(), []);
  });

  it('go on when the stop that waits for them is cancelled', async () => {
    const world = await open();
    const deaf = kvmInstance('deaf');
    await world.start(deaf, { manner: 'deaf' });
    await isUp(world.guestFolder(deaf));
    const cancel = new AbortController();
    const stop = world.driver.stop(deaf, { timeout: 3600, force: false, signal: cancel.signal });
    cancel.abort(new MerapiError('canceled', 'The job was canceled'));
    await assert.rejects(stop, { code: 'canceled' });
    assert.equal(world.facts(deaf)?.state, 'running');
    await world.driver.stop(deaf, { timeout: 0, force: true });
  });

  it('are known to have shut themselves down, even while the worker was away', async () => {
    const world = await open();
    const [here, away] = [kvmInstance('here'), kvmInstance('away')];
    await world.start(here);
    await world.start(away);
    await Promise.all([isUp(world.guestFolder(here)), isUp(world.guestFolder(away))]);
    const process = await world.process(here);
    let changes = 0;
    world.driver.onChange(() => changes++);
    await turnOff(world.guestFolder(here));
    await until('the end of the guest', () => world.facts(here)?.state === 'stopped');
    assert.ok(changes > 0);
    assert.equal(world.facts(here)?.by_user, true);
    assert.equal(await runs(process), false);
    await world.reopen(() => turnOff(world.guestFolder(away)));
    await until('the end of the guest', () => world.facts(away)?.state === 'stopped');
    for (const instance of [here, away]) assert.equal(world.facts(instance)?.by_user, true);
    await world.driver.stop(here, { timeout: 0, force: false });
    assert.equal(world.facts(here), undefined);
    await world.start(away);
    assert.deepEqual([world.facts(away)?.state, world.facts(away)?.by_user], ['running', false]);
  });

  it('are known to have died when their process was killed', async () => {
    const network = new NotedNetwork();
    const world = await open(network);
    const [here, away] = [kvmInstance('here'), kvmInstance('away')];
    await world.start(here);
    await world.start(away);
    process.kill((await world.process(here)).pid, 'SIGKILL');
    await until('the end of the guest', () => world.facts(here)?.state === 'stopped');
    const { pid } = await world.process(away);
    await world.reopen(async () => process.kill(pid, 'SIGKILL'));
    await until('the end of the guest', () => world.facts(away)?.state === 'stopped');
    for (const instance of [here, away]) {
      assert.equal(world.facts(instance)?.by_user, false);
      assert.ok(network.calls.includes(`unplug ${instance.uuid}`));
    }
  });

  it('are found again as they were, one process each, also when their process was not noted', async () => {
    const world = await open();
    const [web, half] = [kvmInstance('web'), kvmInstance('half')];
    for (const instance of [web, half]) await world.start(instance, { paused: instance === web });
    const processes = await Promise.all([web, half].map((instance) => world.process(instance)));
    await world.reopen(async () => {
      // The worker died after the process began and before that was noted.
      const path = join(world.guestFolder(half), 'runtime.json');
      const record = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, JSON.stringify({ ...record, phase: 'starting', process: null }));
    });
    assert.equal(world.facts(web)?.state, 'paused');
    for (const instance of [web, half]) await world.start(instance);
    assert.deepEqual(await Promise.all([web, half].map((instance) => world.process(instance))), processes);
    for (const instance of [web, half]) assert.equal(world.facts(instance)?.state, 'running');
    assert.equal((await findByPidFile(join(world.folder, 'guests'))).size, 2);
  });

  it('leave nothing behind when the start was cut off before there was a process', async () => {
    const network = new NotedNetwork();
    const world = await open(network);
    const web = kvmInstance('web');
    await world.start(web);
    const { pid } = await world.process(web);
    await world.reopen(async () => {
      const path = join(world.guestFolder(web), 'runtime.json');
      const record = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, JSON.stringify({ ...record, phase: 'starting', process: null }));
      process.kill(pid, 'SIGKILL');
      await until(
        'the end of the process',
        async () => !(await findByPidFile(join(world.folder, 'guests'))).size,
      );
    });
    assert.deepEqual(world.driver.guests(), []);
    await assert.rejects(access(world.guestFolder(web)));
    assert.equal(network.calls.at(-1), `unplug ${web.uuid}`);
  });

  describe('whose start fails', () => {
    let world: Awaited<ReturnType<typeof open>>;
    before(async () => {
      world = await open();
    });

    const failing: [string, InstanceTarget, RegExp][] = [
      [
        "tell QEMU's own words",
        kvmInstance('a', { hvparams: { kernel_path: '/no/kernel' } }),
        /a: .*\/no\/kernel/,
      ],
      [
        'tell an unknown machine',
        kvmInstance('b', { hvparams: { machine_version: 'pdp11' } }),
        /unsupported machine type/,
      ],
      ['tell a missing program', kvmInstance('c', { hvparams: { kvm_path: '/no/qemu' } }), /\/no\/qemu/],
      ['tell a parameter without support', kvmInstance('d', { hvparams: { cpu_mask: '1' } }), /cpu_mask/],
      [
        'tell an unreadable password',
        kvmInstance('e', { hvparams: { vnc_bind_address: '127.0.0.1', vnc_password_file: '/no/file' } }),
        /vnc_password_file/,
      ],
      ['need a uuid', kvmInstance('f', { uuid: 'web' }), /uuid/],
    ];
    for (const [what, instance, message] of failing) {
      it(`${what} and leave nothing behind`, async () => {
        await assert.rejects(world.start(instance), { code: 'hypervisor', message });
        assert.deepEqual(world.driver.guests(), []);
        assert.deepEqual(await readdir(join(world.folder, 'guests')), []);
        assert.equal((await findByPidFile(join(world.folder, 'guests'))).size, 0);
      });
    }

    it('name a missing disk', async () => {
      const options = { sources: [{ path: '/no/disk' }], paused: false };
      await assert.rejects(world.driver.start(kvmInstance('x'), options), {
        code: 'hypervisor',
        message: /\/no\/disk/,
      });
    });

    it('say what the network says, and unplug what was plugged', async () => {
      const network = new NotedNetwork(new MerapiError('environment_error', 'no bridge br7'));
      const own = await open(network);
      const nicparams = { mode: 'bridged', link: 'br7', vlan: '' };
      const nic = { uuid: 'n', name: null, mac: 'aa:00:00:00:00:01', ip: null, nicparams };
      const web = kvmInstance('web', { nics: [nic] });
      await assert.rejects(own.start(web), { code: 'environment_error', message: /br7/ });
      assert.deepEqual(network.calls, ['plug web 0', `unplug ${web.uuid}`]);
      assert.deepEqual(await readdir(join(own.folder, 'guests')), []);
    });

    it('are known as before', async () => {
      const web = kvmInstance('web');
      await world.start(web);
      await isUp(world.guestFolder(web));
      await turnOff(world.guestFolder(web));
      await until('the end of the guest', () => world.facts(web)?.by_user === true);
      const wrong = { ...web, hvparams: { ...web.hvparams, kernel_path: '/no/kernel' } };
      await assert.rejects(world.start(wrong), { code: 'hypervisor' });
      assert.deepEqual([world.facts(web)?.state, world.facts(web)?.by_user], ['stopped', true]);
    });
  });

  it('get what devices their parameters ask for', async () => {
    const world = await open();
    const vnc = { vnc_bind_address: '127.0.0.1', vga: 'std', usb_mouse: 'tablet', keymap: 'de' };
    const drives = { disk_type: 'scsi-hd', scsi_controller_type: 'virtio-scsi-pci', soundhw: 'ac97,hda' };
    const rest = {
      machine_version: 'q35',
      acpi: false,
      cpu_type: 'max',
      kvm_extra: '-device pvpanic',
      disk_cache: 'none',
    };
    const web = kvmInstance('web', { hvparams: { ...vnc, ...drives, ...rest, serial_console: false } });
    await world.start(web);
    const { kind, host, port, display } = world.facts(web)?.console ?? {};
    assert.deepEqual([kind, host, display], ['vnc', '127.0.0.1', (port ?? 0) - 5900]);
    await world.reopen();
    assert.equal(world.facts(web)?.console.port, port);
    await world.driver.stop(web, { timeout: 3600, force: false });
    assert.deepEqual(world.driver.guests(), []);
  });

  it('keep their sockets at a short path when their folder is deep', async () => {
    const folder = join(await resources.folder(), 'x'.repeat(120));
    await mkdir(folder);
    const driver = create(folder);
    await driver.open();
    const web = kvmInstance('web');
    resources.add(() => driver.close());
    resources.add(() => driver.stop(web, { timeout: 0, force: true }));
    await driver.start(web, { sources: [{ path: await tinyDisk(folder, web) }], paused: false });
    const sockets = socketsOf(join(folder, 'guests', web.uuid));
    assert.ok(sockets.serial.length < 108 && !sockets.serial.startsWith(folder));
    assert.deepEqual(driver.guests()[0]?.console.command?.at(-1), `UNIX-CONNECT:${sockets.serial}`);
    await access(sockets.agent);
    await driver.stop(web, { timeout: 0, force: true });
    await assert.rejects(access(sockets.folder));
  });

  it('leave alone what another driver keeps beside them', async () => {
    const world = await open();
    const file = join(world.folder, 'guests', 'web.example.com.json');
    await writeFile(file, '{}');
    await world.reopen();
    await access(file);
    assert.deepEqual(world.driver.guests(), []);
  });

  it('are not stopped by a worker that ends while it waits for them', async () => {
    const world = await open();
    const web = kvmInstance('web');
    await world.start(web, { manner: 'deaf' });
    await isUp(world.guestFolder(web));
    const waiting = assert.rejects(world.driver.stop(web, { timeout: 3600, force: false }), {
      code: 'unavailable',
    });
    await world.reopen();
    await waiting;
    assert.equal(world.facts(web)?.state, 'running');
    await rm(join(world.folder, 'web.raw'));
  });
});
