import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Qemu } from '../../../../lib/node/hypervisors/kvm/qemu.ts';
import { connectQmp, type Monitor, QmpFault } from '../../../../lib/node/hypervisors/kvm/qmp.ts';
import type { QmpEvent } from '../../../../lib/node/hypervisors/kvm/qmp-table.ts';
import { Resources } from '../../helpers.ts';
import { openMonitor, QEMU, until } from '../kvm-helpers.ts';
import { servePeer } from './peer.ts';

describe('the connection to the monitor of QEMU', () => {
  const resources = new Resources();
  after(() => resources.close());
  let qemu: ChildProcess;
  let socket: string;
  const events: QmpEvent[] = [];
  let closes = 0;
  let client: Monitor;

  before(async () => {
    socket = join(await resources.folder(), 'qmp');
    const machine = ['-S', '-nodefaults', '-display', 'none', '-machine', 'none'];
    qemu = spawn(QEMU, [...machine, '-qmp', `unix:${socket},server=on,wait=off`], { stdio: 'ignore' });
    resources.add(async () => {
      if (qemu.exitCode === null && qemu.kill('SIGKILL')) await once(qemu, 'exit');
    });
    await connect();
    resources.add(async () => client.close());
  });

  const connect = () =>
    until('the connection', async () => {
      const options = { onEvent: (event: QmpEvent) => events.push(event), onClose: () => closes++ };
      const connected = await connectQmp(socket, options).catch(() => null);
      client = connected ?? client;
      return connected !== null;
    });

  it('runs commands side by side and gives what the table says that they return', async () => {
    const answers = await Promise.all([client.execute('query-status'), client.execute('query-pci')]);
    assert.deepEqual(answers, [{ status: 'prelaunch' }, []]);
  });

  it('is not waited for by a shutdown when the process has ended meanwhile', async () => {
    const ignored = () => undefined;
    const gone = new Qemu(`${socket}.gone`, {
      ...{ onState: ignored, onAgent: ignored },
      ...{ onShutDown: ignored, onLost: ignored },
    });
    const start = performance.now();
    await gone.shutDown({ pid: 2 ** 30, started: '1', boot: 'none' }, { timeout: 60, hasPowerButton: true });
    assert.ok(performance.now() - start < 30_000);
  });

  it('tells what QEMU refuses, in its words', async () => {
    const rejection = { code: 'hypervisor', message: /refused device_del: Device 'nosuch' not found/ };
    await assert.rejects(client.execute('device_del', { id: 'nosuch' }), rejection);
  });

  it('hears the events of the table', async () => {
    await client.execute('cont');
    await until('the event', () => events.length > 0);
    assert.deepEqual(events, [{ event: 'RESUME', data: {} }]);
  });

  it('lets a second client wait no longer than told, and no longer than it wants', async () => {
    const silent = { code: 'hypervisor', message: /sent nothing for 0.05 s/ };
    await assert.rejects(connectQmp(socket, { timeout: 50 }), silent);
    const signal = AbortSignal.abort();
    await assert.rejects(connectQmp(socket, { signal }), { message: /not waited for/ });
    const over = new AbortController();
    const waiting = connectQmp(socket, { signal: over.signal });
    over.abort();
    await assert.rejects(waiting, { code: 'hypervisor', message: /not waited for/ });
  });

  it('says so when no answer comes in time, ignores one that comes late, and goes on', async () => {
    client.close();
    const hasty = await openMonitor(socket, ['query-status'], { timeout: 50 });
    qemu.kill('SIGSTOP');
    try {
      const late = { code: 'hypervisor', message: /did not answer query-status within 0.05 s/ };
      await assert.rejects(hasty.execute('query-status', {}), late);
    } finally {
      qemu.kill('SIGCONT');
    }
    await until('an answer in time', () =>
      hasty.execute('query-status', {}).then(
        () => true,
        () => false,
      ),
    );
    hasty.close();
    await connect();
  });

  it('refuses an answer that is too long, and goes on', async () => {
    client.close();
    const narrow = await openMonitor(socket, ['query-commands', 'query-status'], { size: 1000 });
    const message = /QEMU answered query-commands with \d{4,} characters; at most 1000 are read/;
    await assert.rejects(narrow.execute('query-commands', {}), { code: 'hypervisor', message });
    assert.ok(await narrow.execute('query-status', {}));
    narrow.close();
    await connect();
  });

  it('tells its end once, and fails what was asked', async () => {
    const exit = once(qemu, 'exit');
    const pending = client.execute('quit');
    await Promise.allSettled([pending, exit]);
    await until('the end of the connection', () => closes > 0);
    assert.equal(closes, 1);
    await assert.rejects(client.execute('query-status'), {
      code: 'hypervisor',
      message: /connection to QEMU has ended/,
    });
    await assert.rejects(connectQmp(socket), { code: 'hypervisor' });
  });

  it('fails commands under way when the connection breaks, and not what it closes itself', async () => {
    const { path } = await servePeer(resources, (peer) => peer.destroy());
    let ends = 0;
    const own = await connectQmp(path, { onClose: () => ends++ });
    await assert.rejects(own.execute('cont'), {
      code: 'hypervisor',
      message: /ended before it answered cont/,
    });
    assert.equal(ends, 1);
    const other = await connectQmp(path, { onClose: () => ends++ });
    other.close();
    await assert.rejects(other.execute('cont'), { code: 'hypervisor' });
    assert.equal(ends, 1);
  });

  describe('to a process that does not keep to the protocol', () => {
    /** A client of a process that readies it and answers what follows by `answer`. */
    async function connectTo(answer: Parameters<typeof servePeer>[1]) {
      const { path } = await servePeer(resources, answer);
      const faults: (string | null)[] = [];
      const heard: QmpEvent[] = [];
      const own = await connectQmp(path, {
        onClose: (fault) => faults.push(fault),
        onEvent: (event) => heard.push(event),
      });
      resources.add(async () => own.close());
      return { own, faults, heard };
    }

    const wrong: [string, string, RegExp][] = [
      ['no JSON', 'Segmentation fault', /sent a line that is not a message: Segmentation fault/],
      ['a JSON that is no object', 'null', /not a message: null/],
      ['a list', '[1]', /not a message/],
      ['an error without words', '{"error": 5, "id": 2}', /not a message/],
      ['an event without a name', '{"event": {"a": 1}}', /not a message/],
      ['bytes that are no text', '\u0000\ufffd\ufffd', /not a message/],
      ['an event with wrong data', '{"event": "SHUTDOWN", "data": {"guest": 1}}', /SHUTDOWN .*guest: /],
      ['an event without its data', '{"event": "SHUTDOWN"}', /event SHUTDOWN that Merapi does not/],
    ];
    for (const [what, line, message] of wrong) {
      it(`ends with an error that tells so: ${what}`, async () => {
        const { own, faults } = await connectTo((peer) => peer.write(`${line}\n`));
        await assert.rejects(own.execute('query-status'), { code: 'hypervisor', message });
        assert.equal(faults.length, 1);
        assert.match(String(faults[0]), message);
        await assert.rejects(own.execute('query-status'), { message: /connection to QEMU has ended/ });
      });
    }

    it('is not ready when the process breaks the protocol first, also in one breath with its answer', async () => {
      const { path } = await servePeer(resources, () => undefined, 'nonsense\n');
      await assert.rejects(
        connectQmp(path),
        (error) => error instanceof QmpFault && /not a message: nonsense/.test(error.message),
      );
    });

    it('is not ready when nobody answers that it is', async () => {
      const { path } = await servePeer(resources, () => undefined, null);
      await assert.rejects(connectQmp(path, { timeout: 50 }), {
        code: 'hypervisor',
        message: /was not ready for commands within 0.05 s/,
      });
    });

    it('ends at a message without an end, and keeps no more of it than 4 MiB', async () => {
      const { own, faults } = await connectTo((peer) => {
        const pour = () => {
          while (!peer.destroyed && peer.write('x'.repeat(1 << 20)));
        };
        peer.on('drain', pour);
        pour();
      });
      await assert.rejects(own.execute('query-status'), { message: /more than 4194304 characters/ });
      assert.equal(faults.length, 1);
    });

    it('ignores events that nobody reads, whatever their data and name', async () => {
      const names = ['NIC_RX_FILTER_CHANGED', 'toString', '__proto__', 'constructor', ''];
      const { own, heard, faults } = await connectTo((peer, { id }) => {
        for (const event of names)
          for (const data of [undefined, null, 5, { guest: 'yes' }])
            peer.write(`${JSON.stringify({ event, data })}\n`);
        peer.write(`${JSON.stringify({ return: { status: 'running' }, id })}\n`);
      });
      assert.deepEqual(await own.execute('query-status'), { status: 'running' });
      assert.deepEqual([heard, faults], [[], []]);
    });

    it('reads a flood of events slowly and loses none, so that others get their turn', async () => {
      const count = 1200;
      const nameOf = (index: number) => (index % 3 === 0 ? 'STOP' : 'RESUME');
      const { own, heard } = await connectTo((peer, { id }) => {
        for (let index = 0; index < count; index++) peer.write(`{"event": "${nameOf(index)}"}\n`);
        peer.write(`${JSON.stringify({ return: { status: 'running' }, id })}\n`);
      });
      const asked = own.execute('query-status');
      await until('the first events', () => heard.length > 0);
      assert.ok(heard.length <= 500, `${heard.length} events at once`);
      assert.ok(await asked);
      assert.deepEqual(
        heard.map(({ event }) => event),
        Array.from({ length: count }, (_, index) => nameOf(index)),
      );
    });
  });
});
