import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { silentLogger } from '../../../../lib/base/log.ts';
import { LOG_FILE_LIMIT } from '../../../../lib/node/capped-log.ts';
import { findByPidFile } from '../../../../lib/node/hypervisors/kvm/process.ts';
import { socketsOf } from '../../../../lib/node/hypervisors/kvm/sockets.ts';
import { KvmHypervisor } from '../../../../lib/node/hypervisors/kvm.ts';
import type { InstanceTarget } from '../../../../lib/rpc/types.ts';
import { Resources } from '../../helpers.ts';
import { kvmInstance, type Manner, NotedNetwork, tinyDisk, until } from '../kvm-helpers.ts';

/** Milliseconds for the driver to open whatever its guests do: far less than one guest's process has to answer. */
const SOON = 8000;

describe('one guest of kvm harms no other', () => {
  const resources = new Resources();
  after(() => resources.close());

  /** Drivers on a new folder, one after the other, whose guests are gone when the test ends. */
  async function openWorld() {
    const folder = await resources.folder();
    const create = () =>
      new KvmHypervisor({ folder, network: new NotedNetwork(), log: silentLogger, accel: 'tcg' });
    let driver = create();
    await driver.open();
    const started: InstanceTarget[] = [];
    resources.add(async () => {
      await Promise.all(started.map((instance) => driver.stop(instance, { timeout: 0, force: true })));
      await driver.close();
    });
    return {
      get driver() {
        return driver;
      },
      guestFolder: (instance: InstanceTarget) => join(folder, 'guests', instance.uuid),
      facts: (instance: InstanceTarget) => driver.guests().find(({ uuid }) => uuid === instance.uuid),
      async start(name: string, how: { manner?: Manner; paused?: boolean } = {}) {
        const instance = kvmInstance(name);
        started.push(instance);
        const sources = [{ path: await tinyDisk(folder, instance, how.manner) }];
        await driver.start(instance, { sources, paused: how.paused ?? false });
        return instance;
      },
      async pid(instance: InstanceTarget): Promise<number> {
        const found = (await findByPidFile(join(folder, 'guests'))).get(instance.uuid);
        assert.ok(found);
        return found.pid;
      },
      /** The worker ends, and a new one begins after `between`; tells how long the new one took to open. */
      async reopen(between: () => Promise<unknown>): Promise<number> {
        await driver.close();
        await between();
        driver = create();
        const begin = performance.now();
        await driver.open();
        return performance.now() - begin;
      },
    };
  }

  it('when two processes stand still: the worker starts, others work, and each tells its trouble', async () => {
    const world = await openWorld();
    const [first, second, well] = [
      await world.start('first', { paused: true }),
      await world.start('second'),
      await world.start('well'),
    ];
    const pids = [await world.pid(first), await world.pid(second)];
    const wake = () => {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    };
    resources.add(async () => wake());
    const took = await world.reopen(async () => {
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
    });
    assert.ok(took < SOON, `the worker took ${took} ms to start`);
    for (const instance of [first, second, well]) assert.ok(world.facts(instance), instance.name);
    await world.driver.reset(well);
    await world.start('new');
    await until('the trouble', () => world.facts(first)?.trouble !== undefined);
    assert.match(world.facts(first)?.trouble ?? '', /cannot be determined: .*sent nothing/);
    assert.equal(world.facts(well)?.trouble, undefined);
    wake();
    await until('the end of the trouble', () => world.facts(first)?.state === 'paused');
    assert.equal(world.facts(first)?.trouble, undefined);
  });

  it('when a process that stands still is to be stopped', async () => {
    const world = await openWorld();
    const web = await world.start('web');
    const pid = await world.pid(web);
    await world.reopen(async () => process.kill(pid, 'SIGSTOP'));
    await world.driver.stop(web, { timeout: 0, force: true });
    assert.equal(world.facts(web), undefined);
  });

  it('when a process says what is no message, at every connection', async () => {
    const world = await openWorld();
    const [bad, well] = [await world.start('bad'), await world.start('well')];
    const { qmp } = socketsOf(world.guestFolder(bad));
    let connections = 0;
    let server: Server | undefined;
    const peers: Socket[] = [];
    const took = await world.reopen(async () => {
      await rename(qmp, `${qmp}.real`);
      server = createServer((peer) => {
        connections += 1;
        peers.push(peer.on('error', () => undefined));
        peer.write('{"QMP": {}}\n');
        peer.on('data', (data) => {
          const { execute, id } = JSON.parse(String(data));
          const answer = execute === 'query-status' ? { status: 'running' } : {};
          peer.write(`${JSON.stringify({ return: answer, id })}\n`);
          if (execute === 'query-status') peer.write('Segmentation fault\n');
        });
      });
      await new Promise<void>((resolve) => server?.listen(qmp, resolve));
    });
    assert.ok(took < SOON, `the worker took ${took} ms to start`);
    await until('the trouble', () => world.facts(bad)?.trouble !== undefined);
    assert.match(
      world.facts(bad)?.trouble ?? '',
      /QEMU sent a line that is not a message: Segmentation fault/,
    );
    assert.equal(connections, 1, 'it is not asked again and again');
    assert.deepEqual([world.facts(bad)?.state, world.facts(well)?.state], ['running', 'running']);
    await world.driver.reset(well);
    for (const peer of peers) peer.destroy();
    await new Promise((resolve) => server?.close(resolve));
    await rm(qmp, { force: true });
    await rename(`${qmp}.real`, qmp);
    await until('the end of the trouble', () => world.facts(bad)?.trouble === undefined);
    await world.driver.reset(bad);
  });

  it('when one writes to its serial line for ever, whether the worker lives or not', async () => {
    const world = await openWorld();
    const chatty = await world.start('chatty', { manner: 'chatty' });
    const log = join(world.guestFolder(chatty), 'serial.log');
    const check = async () => {
      for (const path of [log, `${log}.1`]) {
        const { size } = await stat(path).catch(() => ({ size: 0 }));
        assert.ok(size <= LOG_FILE_LIMIT, `${path} has ${size} bytes`);
      }
    };
    const older = async () => (await stat(`${log}.1`).catch(() => null))?.ino ?? 0;
    const rotates = async (what: string) => {
      const before = await older();
      await until(`a new file while the worker ${what}`, async () => {
        await check();
        return (await older()) !== before;
      });
    };
    await world.reopen(() => rotates('is dead'));
    await rotates('lives again');
    assert.match(await readFile(`${log}.1`, 'latin1'), /UUUU$/);
    // Between two files there is a moment with the older one alone.
    const files = async () =>
      (await readdir(world.guestFolder(chatty))).filter((name) => name.startsWith('serial.log'));
    await until('the next file', async () => (await files()).length > 1);
    assert.deepEqual((await files()).sort(), ['serial.log', 'serial.log.1']);
  });
});
