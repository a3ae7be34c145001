import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { issue, issueAlone, issueAuthority } from '../../../lib/base/tls.ts';
import { aJob } from '../../helpers/jobs.ts';
import { serve } from './fixture.ts';

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const part of socket) text += part;
  return text;
}

test('HTTPS with a given certificate', async (t) => {
  const tls = await issueAuthority('test');
  const named = await issue({ commonName: 'localhost', hosts: ['localhost', '127.0.0.1'] }, tls);
  const server = await serve({ tls: named });
  t.after(() => server.close());
  assert.equal(server.url, `https://127.0.0.1:${server.port}`);
  const request = https.get(`${server.url}/version`, { ca: tls.cert, agent: false });
  const [response] = await once(request, 'response');
  const [body] = await once(response.setEncoding('utf8'), 'data');
  assert.equal(body, '2\n');
});

test('what protocols a client offers never ends a handshake', async (t) => {
  const identity = await issueAlone('127.0.0.1', 3600);
  const server = await serve({ tls: identity });
  t.after(() => server.close());
  for (const ALPNProtocols of [undefined, ['http/1.1'], ['h2'], ['h2', 'http/1.1'], ['http/1.0', 'acme']]) {
    const { port } = server;
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols });
    await once(socket, 'secureConnect');
    socket.write('GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 OK\r\n/, String(ALPNProtocols));
  }
});

test('a port in use is named', async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { startRapi } = await import('../../../lib/surfaces/rapi/server.ts');
  const options = { bind: '127.0.0.1', port: server.port, tls: null } as Parameters<typeof startRapi>[0];
  await assert.rejects(startRapi(options), {
    code: 'configuration',
    message: new RegExp(`port ${server.port} of 127\\.0\\.0\\.1`),
  });
});

test('what is no HTTP is answered with 400', async (t) => {
  const server = await serve();
  t.after(() => server.close());
  for (const text of ['nonsense\r\n\r\n', 'FLY / HTTP/1.1\r\nHost: x\r\n\r\n']) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(text);
    const answer = await readAll(socket);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /\r\n\r\n\{"code":400,"message":".*"\}\n$/);
  }
});

test('an absolute request target is served like its path', async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET http://example.com/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(await readAll(socket), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n2\n$/);
});

test('after a refused request with a long body the connection serves the next one', async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const auth = Buffer.from('admin:se:cret').toString('base64');
  for (const [headers, status, length] of [
    ['Content-Type: application/json', 401, 8 * 1024 * 1024],
    [`Authorization: Basic ${auth}\r\nContent-Type: text/plain`, 415, 8 * 1024 * 1024],
    [`Authorization: Basic ${auth}\r\nContent-Type: application/json`, 413, 65 * 1024 * 1024],
  ] as const) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`POST /2/groups HTTP/1.1\r\nHost: x\r\n${headers}\r\nContent-Length: ${length}\r\n\r\n`);
    socket.write(Buffer.alloc(length, 0x20));
    socket.write('GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const answers = await readAll(socket);
    assert.match(answers, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\\r\\n\\r\\n2\\n$`));
  }
});

test('closing answers those who wait and ends idle, silent and half-sent connections', async () => {
  const server = await serve({ waitTimeout: 3_600_000 });
  await server.ask('GET', '/version'); // leaves an idle connection
  const silent = connect(server.port, '127.0.0.1');
  const half = connect(server.port, '127.0.0.1');
  await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
  half.write('POST /2/groups HTTP/1.1\r\nHost: x\r\n');
  const waiting = connect(server.port, '127.0.0.1');
  const begun = new Promise<void>((resolve) => {
    const wait = server.fake.onWait;
    server.fake.onWait = (signal) => {
      resolve();
      return wait(signal);
    };
  });
  const body = '{"fields":["status"]}';
  const auth = Buffer.from('admin:se:cret').toString('base64');
  waiting.write(
    `GET /2/jobs/1/wait HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${auth}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await begun;
  const answers = Promise.all([waiting, silent, half].map((socket) => readAll(socket).catch(() => 'reset')));
  await server.close();
  const [waited] = await answers;
  assert.match(waited ?? '', /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nnull\n$/);
  assert.match(waited ?? '', /\r\nConnection: close\r\n/);
});

test('a client that goes away ends its wait', async (t) => {
  const server = await serve({ waitTimeout: 3_600_000 });
  t.after(() => server.close());
  const wait = server.fake.onWait;
  const socket = connect(server.port, '127.0.0.1');
  const ended = new Promise<void>((resolve) => {
    server.fake.onWait = async (signal) => {
      socket.destroy();
      await wait(signal);
      resolve();
    };
  });
  const body = '{"fields":["status"]}';
  const auth = Buffer.from('admin:se:cret').toString('base64');
  socket.write(
    `GET /2/jobs/1/wait HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${auth}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await ended;
});

test('so many requests wait at once for each user and for all; one more is refused', async (t) => {
  const waiting = { each: 1, all: 1 };
  const server = await serve({ waitTimeout: 3_600_000, waiting });
  t.after(() => server.close());
  const question = { body: { fields: ['status'] } };
  const begun = new Promise<void>((resolve) => {
    const wait = server.fake.onWait;
    server.fake.onWait = (signal) => {
      resolve();
      return wait(signal);
    };
  });
  const auth = Buffer.from('admin:se:cret').toString('base64');
  const socket = connect(server.port, '127.0.0.1');
  const body = JSON.stringify(question.body);
  socket.write(
    `GET /2/jobs/1/wait HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${auth}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await begun;
  const more = await server.ask('GET', '/2/jobs/1/wait', question);
  assert.equal(more.status, 503);
  assert.match(more.text, /Too many requests are waiting/);
  assert.equal((await server.ask('GET', '/version')).status, 200);
  socket.destroy();
  server.fake.ended = aJob(1, [], { status: 'success' });
  while ((await server.ask('GET', '/2/jobs/1/wait', question)).status !== 200);
});
