import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import {
  type ConnectionLimits,
  Connections,
  connectionLimits,
  networkOf,
} from '../../lib/base/connections.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { issueAlone } from '../../lib/base/tls.ts';
import { deferred } from '../node/helpers.ts';

interface World {
  connections: Connections;
  port: number;
  /** Answers the requests that wait. */
  answer(): void;
  /** Resolves when so many requests wait. */
  waiting(count: number): Promise<void>;
  open(from?: string): Promise<Socket>;
}

async function serve(
  t: TestContext,
  limits: ConnectionLimits,
  tls?: { cert: string; key: string },
): Promise<World> {
  const connections = new Connections(limits, silentLogger);
  const waiting: http.ServerResponse[] = [];
  let came = deferred<void>();
  const handler = (_request: http.IncomingMessage, response: http.ServerResponse) => {
    waiting.push(response);
    came.resolve();
    came = deferred<void>();
  };
  const server: Server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  const endAll = connections.guard(server, silentLogger, tls !== undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    endAll();
    server.close();
  });
  return {
    connections,
    port,
    answer: () => {
      for (const response of waiting.splice(0)) response.end('yes');
    },
    waiting: async (count) => {
      while (waiting.length < count) await came.promise;
    },
    open: async (from = '127.0.0.1') => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    },
  };
}

/** Resolves when the server has closed a connection. */
const closed = (socket: Socket) =>
  socket.resume().destroyed ? Promise.resolve() : once(socket, 'close').then(() => undefined);
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const answered = async (socket: Socket) => {
  const [data] = await once(socket, 'data');
  assert.match(String(data), /^HTTP\/1\.1 200 OK/);
};

test('whoever only connects is closed for those who come later, the oldest first', async (t) => {
  const world = await serve(t, { all: 8, perAddress: 8, pending: 3 });
  const silent: Socket[] = [];
  for (let count = 0; count < 3; count++) silent.push(await world.open());
  silent[1]?.write('GET / HTTP/1.1\r\nHost: x\r\n'); // no whole request either
  const user = await world.open();
  await closed(silent[0] as Socket);
  user.write(GET);
  await world.waiting(1);
  world.answer();
  await answered(user);
  assert.deepEqual([world.connections.open, world.connections.turnedAway], [3, 1]);
  // One that has been answered does not wait for its first request any more: a further one finds room.
  const another = await world.open();
  another.write(GET);
  await world.waiting(1);
  assert.equal(world.connections.turnedAway, 1);
});

test('requests under way are never cut; an idle connection makes room', async (t) => {
  const world = await serve(t, { all: 2, perAddress: 2, pending: 2 });
  const [first, second] = [await world.open(), await world.open()];
  first.write(GET);
  second.write(GET);
  await world.waiting(2);
  await closed(await world.open()); // refused
  world.answer();
  await Promise.all([answered(first), answered(second)]);
  const third = await world.open();
  await closed(first);
  third.write(GET);
  await world.waiting(1);
  world.answer();
  await answered(third);
  second.write(GET);
  await world.waiting(1);
  world.answer();
  await answered(second);
});

test('one address takes no more than its share', async (t) => {
  const world = await serve(t, { all: 8, perAddress: 2, pending: 8 });
  for (let count = 0; count < 2; count++) {
    (await world.open('127.0.0.2')).write(GET);
    await world.waiting(count + 1);
  }
  await closed(await world.open('127.0.0.2'));
  (await world.open('127.0.0.3')).write(GET);
  await world.waiting(3);
  assert.deepEqual([world.connections.open, world.connections.turnedAway], [3, 1]);
});

test('handshakes under way count as silent, and are cut; a client with TLS gets in', async (t) => {
  const tls = await issueAlone('localhost', 3600);
  const world = await serve(t, { all: 8, perAddress: 8, pending: 2 }, tls);
  const half = await Promise.all([world.open(), world.open(), world.open(), world.open()]);
  half[3]?.write(Buffer.from('16030100', 'hex'));
  const user = connectTls({ port: world.port, host: '127.0.0.1', ca: tls.cert, servername: 'localhost' });
  user.write(GET);
  await world.waiting(1);
  world.answer();
  await answered(user);
  await Promise.all([closed(half[0] as Socket), closed(half[1] as Socket)]);
  user.destroy();
});

test('connections that end are forgotten', async (t) => {
  const world = await serve(t, { all: 4, perAddress: 4, pending: 4 });
  for (let count = 0; count < 20; count++) {
    const socket = await world.open();
    socket.write(GET);
    await world.waiting(1);
    world.answer();
    await answered(socket);
    socket.destroy();
  }
  const last = await world.open();
  last.write(GET);
  await world.waiting(1);
  while (world.connections.open > 1) await new Promise(setImmediate);
  assert.equal(world.connections.turnedAway, 0);
});

test('the limits leave the process its own files', () => {
  assert.deepEqual(connectionLimits(undefined, 1_000_000), { all: 4096, perAddress: 2048, pending: 2048 });
  assert.deepEqual(connectionLimits(undefined, 1024), { all: 768, perAddress: 384, pending: 384 });
  assert.deepEqual(connectionLimits(undefined, 256), { all: 128, perAddress: 64, pending: 64 });
  assert.equal(connectionLimits(100, 1024).all, 100);
  assert.equal(connectionLimits(5000, 1024).all, 768);
  assert.equal(connectionLimits(10_000, Number.POSITIVE_INFINITY).all, 10_000);
  assert.ok(connectionLimits().all >= 2);
});

test('an IPv6 network of 64 bits counts as one address', () => {
  for (const [address, network] of [
    ['198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const)
    assert.equal(networkOf(address), network);
});
