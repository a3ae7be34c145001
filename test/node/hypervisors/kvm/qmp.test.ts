import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { QmpClient } from '../../../../lib/node/hypervisors/kvm/qmp.ts';
import { Resources } from '../../helpers.ts';
import { QEMU, until } from '../kvm-helpers.ts';

describe('the connection to the monitor of QEMU', () => {
  const resources = new Resources();
  after(() => resources.close());
  let qemu: ChildProcess;
  let socket: string;
  const events: string[] = [];
  let closes = 0;
  let client: QmpClient;

  before(async () => {
    socket = join(await resources.folder(), 'qmp');
    const args = [
      '-S',
      '-nodefaults',
      '-display',
      'none',
      '-machine',
      'none',
      '-qmp',
      `unix:${socket},server=on,wait=off`,
    ];
    qemu = spawn(QEMU, args, { stdio: 'ignore' });
    resources.add(async () => {
      if (qemu.exitCode === null && qemu.kill('SIGKILL')) await once(qemu, 'exit');
    });
    const connect = () =>
      QmpClient.connect(socket, { onEvent: ({ event }) => events.push(event), onClose: () => closes++ });
    await until('the connection', async () => {
      client = await connect().catch(() => client);
      return client !== undefined;
    });
    resources.add(async () => client.close());
  });

  it('runs commands and gives what they return', async () => {
    const answers = await Promise.all([client.execute('query-version'), client.execute('query-status')]);
    assert.ok((answers[0] as { qemu: { major: number } }).qemu.major >= 7);
    assert.equal((answers[1] as { status: string }).status, 'prelaunch');
  });

  it('tells what QEMU refuses, in its words', async () => {
    const rejection = { code: 'hypervisor', message: /refused no-such-command: .*has not been found/ };
    await assert.rejects(client.execute('no-such-command'), rejection);
  });

  it('says so when no answer comes in time, and goes on', async () => {
    qemu.kill('SIGSTOP');
    try {
      await assert.rejects(client.execute('query-status', {}, 50), {
        code: 'hypervisor',
        message: /did not answer query-status/,
      });
    } finally {
      qemu.kill('SIGCONT');
    }
    assert.ok(await client.execute('query-status'));
  });

  it('hears of events', async () => {
    await client.execute('cont');
    await until('the event', () => events.includes('RESUME'));
  });

  it('lets a second client wait no longer than told', async () => {
    await assert.rejects(QmpClient.connect(socket, { timeout: 50 }), {
      code: 'hypervisor',
      message: /said nothing/,
    });
  });

  it('tells its end once, and fails what was asked', async () => {
    const exit = once(qemu, 'exit');
    const pending = client.execute('quit');
    await Promise.allSettled([pending, exit]);
    await until('the end of the connection', () => closes > 0);
    assert.equal(closes, 1);
    await assert.rejects(client.execute('query-status'), { code: 'hypervisor', message: /QEMU is gone/ });
    await assert.rejects(QmpClient.connect(socket), { code: 'hypervisor' });
  });

  it('fails commands under way when the connection breaks, and not what it closes itself', async () => {
    const path = join(await resources.folder(), 's');
    const server = createServer((peer) => {
      peer.write('{"QMP": {}}\n');
      peer
        .on('error', () => undefined)
        .on('data', (data) => {
          const { execute, id } = JSON.parse(String(data));
          if (execute === 'qmp_capabilities') peer.write(`${JSON.stringify({ return: {}, id })}\n`);
          else peer.destroy();
        });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    resources.add(() => new Promise((resolve) => server.close(resolve)));
    let ends = 0;
    const own = await QmpClient.connect(path, { onClose: () => ends++ });
    await assert.rejects(own.execute('stop'), {
      code: 'hypervisor',
      message: /ended before it answered stop/,
    });
    assert.equal(ends, 1);
    const other = await QmpClient.connect(path, { onClose: () => ends++ });
    other.close();
    await assert.rejects(other.execute('stop'), { code: 'hypervisor' });
    assert.equal(ends, 1);
  });

  describe('to a process that does not keep to the protocol', () => {
    /** A client of a server that readies it and answers what follows by `answer`. */
    async function connectTo(answer: (peer: Socket, request: { execute: string; id: number }) => void) {
      const path = join(await resources.folder(), 's');
      const peers = new Set<Socket>();
      const server = createServer((peer) => {
        peers.add(peer);
        peer.write('{"QMP": {}}\r\n');
        peer
          .on('error', () => undefined)
          .on('data', (data) => {
            for (const line of String(data).trim().split('\n')) {
              const request = JSON.parse(line);
              if (request.execute === 'qmp_capabilities')
                peer.write(`${JSON.stringify({ return: {}, id: request.id })}\n`);
              else answer(peer, request);
            }
          });
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      resources.add(async () => {
        for (const peer of peers) peer.destroy();
        await new Promise((resolve) => server.close(resolve));
      });
      const faults: (string | null)[] = [];
      const heard: string[] = [];
      const own = await QmpClient.connect(path, {
        onClose: (fault) => faults.push(fault),
        onEvent: ({ event }) => heard.push(event),
      });
      resources.add(async () => own.close());
      return { own, faults, heard };
    }

    const wrong: [string, string, RegExp][] = [
      ['no JSON', 'Segmentation fault', /sent what is no message: Segmentation fault/],
      ['a JSON that is no object', 'null', /no message: null/],
      ['a list', '[1]', /no message/],
      ['an error without words', '{"error": 5, "id": 2}', /no message/],
      ['an event without a name', '{"event": {"a": 1}}', /no message/],
      ['bytes that are no text', '\u0000\ufffd\ufffd', /no message/],
    ];
    for (const [what, line, message] of wrong) {
      it(`ends with an error that tells so: ${what}`, async () => {
        const { own, faults } = await connectTo((peer) => peer.write(`${line}\n`));
        await assert.rejects(own.execute('query-status'), { code: 'hypervisor', message });
        assert.equal(faults.length, 1);
        assert.match(String(faults[0]), message);
        await assert.rejects(own.execute('query-status'), { message: /QEMU is gone/ });
      });
    }

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

    it('says in an error only the beginning of long words', async () => {
      const { own } = await connectTo((peer, { id }) =>
        peer.write(`${JSON.stringify({ error: { desc: 'é'.repeat(100_000) }, id })}\n`),
      );
      await assert.rejects(own.execute('stop'), ({ message }: Error) => message.length < 1000);
    });

    it('takes answers to what nobody asked for nothing', async () => {
      const { own } = await connectTo((peer, { id }) => {
        for (const other of [id + 1, 0, -1, '2', null, {}, undefined])
          peer.write(`${JSON.stringify({ return: 'wrong', id: other })}\n`);
        peer.write(`${JSON.stringify({ return: 'right', id })}\n`);
      });
      assert.equal(await own.execute('query-status'), 'right');
    });

    it('refuses an answer of another form', async () => {
      const { own } = await connectTo((peer, { id }) =>
        peer.write(`${JSON.stringify({ return: [1], id })}\n`),
      );
      await assert.rejects(own.query('query-status', z.object({ status: z.string() })), {
        code: 'hypervisor',
        message: /answered query-status with what Merapi does not understand/,
      });
    });

    it('reads a flood of events slowly and loses none, so that others get their turn', async () => {
      const count = 1200;
      const { own, heard } = await connectTo((peer, { id }) => {
        for (let event = 0; event < count; event++) peer.write(`{"event": "E${event}"}\n`);
        peer.write(`${JSON.stringify({ return: 'done', id })}\n`);
      });
      const asked = own.execute('query-status');
      await until('the first events', () => heard.length > 0);
      assert.ok(heard.length <= 500, `${heard.length} events at once`);
      assert.equal(await asked, 'done');
      assert.deepEqual(
        heard,
        Array.from({ length: count }, (_, event) => `E${event}`),
      );
    });
  });
});
