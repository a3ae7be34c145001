import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answerOptions } from '../../../lib/surfaces/rapi/answers.ts';
import { serve } from './fixture.ts';

const READER = Buffer.from('reader:foo').toString('base64');

/** A server whose every bulk list of nodes is longer than what connections buffer. It tells how many lists are being made. */
async function start(t: TestContext, options: NonNullable<Parameters<typeof serve>[0]>) {
  const server = await serve(options);
  t.after(() => server.close());
  const making = { now: 0, bytes: 0 };
  server.manager.listing = async function* () {
    making.now += 1;
    try {
      const name = 'x'.repeat(64 * 1024);
      for (let count = 0; count < 1000; count += 1) {
        yield { objects: [{ version: {}, valueOf: () => name }], configured: ['name'], live: [] };
        making.bytes += name.length;
        await new Promise(setImmediate);
      }
    } finally {
      making.now -= 1;
    }
  };
  /** Asks for the list and reads nothing of it. */
  const open = (user: string | null = null): Socket => {
    const socket = connect(server.port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    const who = user === null ? '' : `Authorization: Basic ${user}\r\n`;
    socket.write(`GET /2/nodes?bulk=1 HTTP/1.1\r\nHost: x\r\n${who}\r\n`);
    return socket;
  };
  return { server, making, open };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The beginning of the answer; what comes behind it is left. */
async function head(socket: Socket): Promise<string> {
  socket.resume();
  const [data] = await once(socket, 'data');
  socket.pause();
  return String(data);
}

test('long answers are made as they are read, so many at once for each user and for all; others wait', async (t) => {
  const bounds = { each: 2, all: 3 };
  const { server, making, open } = await start(t, { answers: { ...answerOptions, bounds, waiting: 2 } });
  const first = [open(), open()];
  await Promise.all(first.map(head));
  const third = open();
  await until(() => making.now === 3);
  assert.match(await head(open(READER)), /^HTTP\/1.1 200 /, 'another user passes');
  const fourth = open(READER);
  await until(() => making.now === 5);
  const fifth = await head(open());
  assert.match(fifth, /^HTTP\/1.1 503 [\s\S]*Too many long responses wait/);
  const version = await server.ask('GET', '/version');
  assert.equal(version.text, '2\n', 'short answers wait for nobody');
  first[0]?.destroy();
  assert.match(await head(third), /^HTTP\/1.1 200 /, 'who waits comes next');
  first[1]?.destroy();
  assert.match(await head(fourth), /^HTTP\/1.1 200 /);
});

test('a slow reader is waited for, and what it does not take is not made', async (t) => {
  const { making, open } = await start(t, {});
  const socket = open();
  await until(() => making.now === 1);
  let before = -1;
  while (making.bytes !== before) {
    before = making.bytes;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(making.bytes < 1000 * 64 * 1024, 'the whole list was made');
  socket.destroy();
  await until(() => making.now === 0);
});

test('a reader that takes nothing for too long is cut off', async (t) => {
  const { making, open } = await start(t, { answers: { ...answerOptions, patience: 50 } });
  open();
  await until(() => making.now === 1);
  await until(() => making.now === 0);
  assert.ok(making.bytes < 1000 * 64 * 1024);
});
