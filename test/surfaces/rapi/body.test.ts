import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { bodyOptions } from '../../../lib/surfaces/rapi/body.ts';
import { resources } from '../../../lib/surfaces/rapi/registry.ts';
import { serve, type TestServer } from './fixture.ts';

const MiB = 1024 * 1024;
const ADMIN = Buffer.from('admin:se:cret').toString('base64');
const READER = Buffer.from('reader:foo').toString('base64');

async function start(t: TestContext, options: Parameters<typeof serve>[0] = {}): Promise<TestServer> {
  const server = await serve(options);
  t.after(() => server.close());
  return server;
}

/** Opens a connection and sends the head of a request that announces a body, or one in chunks, and what is there of it. */
function begin(
  { port }: TestServer,
  line: string,
  length: number | null,
  user: string | null = null,
  sent: string | Buffer = '',
): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const size = length === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  const who = user === null ? '' : `Authorization: Basic ${user}\r\n`;
  socket.write(`${line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${who}${size}\r\n\r\n`);
  socket.write(sent);
  return socket;
}

/** The head of the answer that comes first on a connection. */
async function answered(socket: Socket): Promise<string> {
  const [data] = await once(socket.setEncoding('utf8'), 'data');
  return data;
}

/** Every method of the API that takes no body, as method and path. */
const bodiless = resources.flatMap(({ path, methods }) =>
  Object.entries(methods).flatMap(([name, { body }]) =>
    body ? [] : [`${name} ${path.replace('{name}', 'inst1.example.com').replace('{id}', '7')}`],
  ),
);

test('what everybody may ask for takes no body', () => {
  for (const { path, methods } of resources)
    for (const [name, { access, body }] of Object.entries(methods))
      assert.ok(access !== 'look' || body === undefined, `${name} ${path}`);
});

test('a body that a method does not take is not waited for, and not parsed', async (t) => {
  const server = await start(t);
  assert.ok(bodiless.length > 30);
  for (const line of bodiless.filter((line) => !/\/events$/.test(line))) {
    const [method = '', path = ''] = line.split(' ');
    const plain = await server.ask(method, path);
    const unfinished = begin(server, line, 64 * MiB, ADMIN, '{not json');
    assert.match(await answered(unfinished), new RegExp(`^HTTP/1.1 ${plain.status} `), line);
    unfinished.destroy();
  }
  const whole = await server.ask('GET', '/2/info', { auth: null, raw: Buffer.alloc(64 * MiB, '[[],') });
  assert.equal(whole.status, 200);
  assert.equal((await server.ask('GET', '/version')).text, '2\n');
});

test('who may not send a body is refused before it comes', async (t) => {
  const server = await start(t);
  for (const [line, user, status] of [
    ['POST /2/groups', null, 401],
    ['POST /2/groups', READER, 403],
    ['PUT /2/query/node', null, 401],
    ['GET /2/jobs/1/wait', READER, 403],
    ['POST /2/nothing', ADMIN, 404],
    ['POST /version', ADMIN, 501],
  ] as const)
    for (const length of [16 * MiB, null]) {
      const socket = begin(server, line, length, user);
      assert.match(await answered(socket), new RegExp(`^HTTP/1.1 ${status} `), line);
      socket.destroy();
    }
});

test('a body that is announced as too long is refused before it comes; a job may be shorter than a question', async (t) => {
  const server = await start(t);
  for (const [line, length] of [
    ['POST /2/groups', 4 * MiB],
    ['POST /2/instances-multi-alloc', 4 * MiB],
    ['PUT /2/query/node', 16 * MiB],
  ] as const) {
    const socket = begin(server, line, length + 1, ADMIN);
    const answer = await answered(socket);
    assert.match(answer, /^HTTP\/1.1 413 /);
    assert.match(answer, new RegExp(`at most ${length / MiB} MiB`));
    socket.destroy();
  }
  const [method, path] = ['PUT', '/2/query/node'];
  const raw = `{"fields":["name"]${' '.repeat(16 * MiB - 19)}}`;
  assert.equal((await server.ask(method, path, { raw })).status, 200);
});

test('a body of very many or very deep values is refused', async (t) => {
  const { ask } = await start(t);
  const many = await ask('PUT', '/2/query/node', { raw: `[${'[],'.repeat(500_000)}[]]` });
  assert.equal(many.status, 413);
  assert.match(many.text, /more than 500000 values/);
  const deep = await ask('PUT', '/2/query/node', { raw: '[['.repeat(5 * MiB) });
  assert.equal(deep.status, 400);
  assert.match(deep.text, /200 levels/);
});

test('bodies take so much memory at once, of one user and of all; what is beyond gets 503, also in chunks', async (t) => {
  const bounds = { each: 2 * MiB, all: 3 * MiB };
  const server = await start(t, { bodies: { ...bodyOptions, bounds } });
  const part = Buffer.alloc(1.5 * MiB, ' ');
  const raw = `{"fields":["name"]${' '.repeat(MiB)}}`;
  const asked = (auth: string, headers = {}) => server.ask('PUT', '/2/query/node', { auth, raw, headers });
  /** Asks until the answer has this status: what was sent or cut off elsewhere is known a little later. */
  const becomes = async (status: number, ...question: Parameters<typeof asked>) => {
    for (;;) {
      const answer = await asked(...question);
      if (answer.status === status) return answer;
    }
  };
  const first = begin(server, 'PUT /2/query/node', 2 * MiB, ADMIN, part);
  assert.match((await becomes(503, 'admin:se:cret')).text, /of one user may take 2 MiB of memory at once/);
  assert.equal((await asked('reader:foo')).status, 200);
  const second = begin(server, 'PUT /2/query/node', 2 * MiB, READER, part.subarray(MiB));
  assert.match(
    (await becomes(503, 'reader:foo')).text,
    /of all users together may take 3 MiB of memory at once/,
  );
  await becomes(503, 'reader:foo', { 'Transfer-Encoding': 'chunked' });
  assert.equal((await server.ask('PUT', '/2/tags', { body: ['short ones always pass'] })).status, 200);
  first.destroy();
  second.destroy();
  await becomes(200, 'admin:se:cret');
  await becomes(200, 'reader:foo', { 'Transfer-Encoding': 'chunked' });
});

test('a body that comes too slowly is given up, with an answer', async (t) => {
  const server = await start(t, { bodies: { ...bodyOptions, patience: 20, rate: 1024 * MiB } });
  for (const [length, sent] of [
    [MiB, '{'],
    [null, '1\r\n{\r\n'],
  ] as const) {
    const socket = begin(server, 'PUT /2/query/node', length, ADMIN, sent);
    let answer = '';
    for await (const part of socket.setEncoding('utf8')) answer += part;
    assert.match(answer, /^HTTP\/1.1 400 [\s\S]*The body arrived too slowly: 1 (of 1048576 )?bytes/);
  }
});

test('a body that is cut off is given up, and its bytes are given back', async (t) => {
  const raw = `{"fields":["name"]${' '.repeat(MiB)}}`;
  const server = await start(t, { bodies: { ...bodyOptions, bounds: { each: 2 * MiB, all: 2 * MiB } } });
  for (let count = 0; count < 5; count++)
    for (const length of [2 * MiB, null]) {
      const sent = Buffer.alloc(MiB, ' ');
      const part = length === null ? Buffer.concat([Buffer.from('100000\r\n'), sent]) : sent;
      const socket = begin(server, 'PUT /2/query/node', length, ADMIN, part);
      await new Promise<void>((resolve) => socket.write(' ', () => resolve()));
      socket.destroy();
    }
  let status = 503;
  while (status === 503) ({ status } = await server.ask('PUT', '/2/query/node', { raw }));
  assert.equal(status, 200);
});
