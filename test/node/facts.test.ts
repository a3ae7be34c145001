import assert from 'node:assert/strict';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemWorld } from '../../lib/base/world.ts';
import { Facts, parseCpus, parseMemory } from '../../lib/node/facts.ts';
import { type GuestFacts, RuntimeFacts } from '../../lib/rpc/types.ts';
import { Resources } from './helpers.ts';

const guest: GuestFacts = {
  name: 'web',
  uuid: 'u',
  hypervisor: 'fake',
  state: 'running',
  memory: 128,
  vcpus: 1,
  by_user: false,
  console: { instance: 'web', kind: 'msg', message: 'none' },
};

describe('facts', () => {
  const resources = new Resources();
  after(() => resources.close());

  it("counts unused memory, buffers and the page cache as free, and what is active as the host's, in MiB", () => {
    const kib = {
      MemTotal: 8_000_000,
      MemFree: 1_000_000,
      MemAvailable: 9,
      Buffers: 50_000,
      Cached: 2_000_000,
      Active: 3_000_000,
    };
    const lines = Object.entries({ ...kib, SwapCached: 7, 'Active(anon)': 9 }).map(
      ([key, value]) => `${key}:   ${value} kB`,
    );
    assert.deepEqual(parseMemory(lines.join('\n')), {
      memory_total: 7812,
      memory_free: 2978,
      memory_dom0: 2929,
    });
  });

  it('counts processors and sockets', () => {
    const cpu = (index: number, socket: string) => `processor\t: ${index}\nmodel name\t: x\n${socket}\n\n`;
    const twoSockets = cpu(0, 'physical id\t: 0') + cpu(1, 'physical id\t: 0') + cpu(2, 'physical id\t: 1');
    assert.deepEqual(parseCpus(twoSockets), { cpus: 3, sockets: 2 });
    assert.deepEqual(parseCpus(cpu(0, '')), { cpus: 1, sockets: 1 });
  });

  it('tells the truth about this machine, also where the storage folder is yet to be made', async () => {
    const storageFolder = join(await resources.folder(), 'not', 'yet');
    const facts = await new Facts({ ...systemWorld, storageFolder, guests: () => [guest] }).current();
    assert.deepEqual(RuntimeFacts.parse(facts), facts);
    assert.equal(facts.node.cpu_total, cpus().length);
    assert.equal(facts.node.cpu_dom0, cpus().length);
    assert.equal(facts.node.memory_total, Math.floor(totalmem() / 1024 / 1024));
    assert.ok((facts.node.disk_total ?? 0) >= (facts.node.disk_free ?? Number.POSITIVE_INFINITY));
    assert.match(facts.node.bootid ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(facts.guests, [guest]);
    const diskless = await new Facts({ ...systemWorld, storageFolder: null, guests: () => [] }).current();
    assert.deepEqual([diskless.node.disk_total, diskless.node.spindles_total], [null, null]);
    assert.notEqual(diskless.epoch, facts.epoch);
  });

  it('counts the memory of simulated guests that are not stopped as taken, down to nothing', async () => {
    const taking = (...guests: GuestFacts[]) =>
      new Facts({
        ...systemWorld,
        storageFolder: null,
        guests: () => guests,
        isSimulated: (kind) => kind === 'fake',
      }).current();
    const huge = { ...guest, memory: 1 << 30 };
    assert.equal((await taking(huge)).node.memory_free, 0);
    assert.equal((await taking(guest, { ...huge, state: 'paused' })).node.memory_free, 0);
    for (const free of [
      { ...huge, hypervisor: 'kvm' as const },
      { ...huge, state: 'stopped' as const },
    ])
      assert.ok(((await taking(free)).node.memory_free ?? 0) > 0);
  });

  it('gives a higher version whenever the guests differ', async () => {
    let guests: GuestFacts[] = [];
    const facts = new Facts({ ...systemWorld, storageFolder: null, guests: () => guests });
    const first = await facts.current();
    guests = [guest];
    const second = await facts.current();
    guests = [{ ...guest, state: 'stopped' }];
    const third = await facts.current();
    assert.ok(first.version < second.version && second.version < third.version);
    assert.deepEqual([second.epoch, third.epoch], [first.epoch, first.epoch]);
  });

  it('never gives a higher version to older guests when measurements overlap', async () => {
    let count = 0;
    const facts = new Facts({
      ...systemWorld,
      storageFolder: '/',
      guests: () => [{ ...guest, memory: ++count }],
    });
    const told = await Promise.all(Array.from({ length: 20 }, () => facts.current()));
    told.sort((a, b) => a.version - b.version);
    const memories = told.map((one) => one.guests[0]?.memory ?? 0);
    assert.deepEqual(
      memories,
      [...memories].sort((a, b) => a - b),
    );
  });

  it('tells the changes of one moment together, until told to stop', async () => {
    const facts = new Facts({ ...systemWorld, storageFolder: null, guests: () => [] });
    let calls = 0;
    const unsubscribe = facts.subscribe(() => calls++);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    facts.changed();
    facts.changed();
    await turn();
    assert.equal(calls, 1);
    facts.changed();
    while (calls < 2) await pause(1);
    unsubscribe();
    facts.changed();
    await pause(50);
    assert.equal(calls, 2);
  });

  it('tells a flood of changes at most every 20 ms, and the last one surely', async () => {
    let [count, told] = [0, 0];
    const facts = new Facts({ ...systemWorld, storageFolder: null, guests: () => [] });
    let calls = 0;
    facts.subscribe(() => {
      calls++;
      told = count;
    });
    const begin = performance.now();
    for (; count < 500; count++) {
      facts.changed();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const most = (performance.now() - begin) / 20 + 2;
    assert.ok(calls <= most, `${calls} calls, at most ${most} are due`);
    while (told < 500) await pause(1);
  });
});
