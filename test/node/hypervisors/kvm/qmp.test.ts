import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
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
});
