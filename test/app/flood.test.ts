import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { conformance, Programs } from '../helpers/program.ts';

const FILES = 256;
/** More connections than the program may have files. */
const FLOOD = 400;

async function half(port: number, sends: Buffer | null): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (sends) socket.write(sends);
  return socket;
}

describe('a flood of half-open connections', () => {
  const programs = new Programs();
  const sockets: Socket[] = [];
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await programs.close();
  });

  it('does not end the master, and users are answered meanwhile', async () => {
    const dir = join(await programs.folder(), 'state');
    const cluster = await programs.clusterFile();
    assert.equal((await programs.run(['init', '--dir', dir, '--cluster', cluster])).code, 0);
    const args = ['master', '--dir', dir, '--port', '0', '--users', `${conformance}users`];
    const master = await programs.start(dir, args, FILES).ready();
    const port = Number(new URL(master.url).port);
    const client = await master.client();
    const hello = Buffer.from('1603010200010001fc0303', 'hex'); // the beginning of a TLS handshake
    for (let count = 0; count < FLOOD; count++) {
      sockets.push(await half(port, count % 2 ? hello : null));
      if (count % 100 === 99) assert.equal((await client.get<string[]>('/2/nodes')).length, 1);
    }
    // It writes to its store with the connections still open.
    const { status } = await client.ask('PUT', '/2/queue', { archive_after: null });
    assert.equal(status, 200);
    await master.stop();
    assert.match(master.stderr, /"limits":\{"all":128,.*connections were closed or refused/);
    assert.doesNotMatch(master.stderr, /EMFILE|defect/);
  });
});
