import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { issueAlone } from '../../../lib/base/tls.ts';
import { resources } from '../../../lib/surfaces/rapi/registry.ts';
import { type Answer, type Question, serve, type TestServer } from './fixture.ts';

const FRIEND = 'https://console.example.com';

async function start(t: TestContext, options: Parameters<typeof serve>[0] = {}): Promise<TestServer> {
  const server = await serve(options);
  t.after(() => server.close());
  return server;
}

const reinstall = (server: TestServer, headers: Record<string, string>): Promise<Answer> =>
  server.ask('POST', '/2/instances/inst1.example.com/reinstall', { headers });

test('a page of another site changes nothing, with credentials or without', async (t) => {
  const server = await start(t);
  const own = `127.0.0.1:${server.port}`;
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example.com' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'https://127.0.0.1:1' },
    { origin: `http://${own}.evil.example.com` },
    { origin: FRIEND },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: `http://${own}` },
    { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example.com' },
    { referer: 'https://evil.example.com/page?x=1' },
    { referer: 'nothing' },
  ];
  for (const headers of foreign) {
    const answer = await reinstall(server, headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.match((answer.json as { detail: string }).detail, /--allow-origin/);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  assert.deepEqual(server.fake.submitted, []);
});

test('programs, the address line and own pages are let through', async (t) => {
  const server = await start(t);
  const own = `http://127.0.0.1:${server.port}`;
  const fine: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin', origin: own },
    { origin: own },
    { referer: `${own}/2/info` },
  ];
  for (const headers of fine) assert.equal((await reinstall(server, headers)).status, 200);
  assert.equal(server.fake.submitted.length, 3 * fine.length);
});

test('every method that changes something and every read that makes a job is kept from other sites', async (t) => {
  const server = await start(t);
  for (const { path, methods } of resources)
    for (const [name, method] of Object.entries(methods)) {
      const url = path.replaceAll('{name}', 'inst1.example.com').replaceAll('{id}', '1');
      if (url.endsWith('/wait') || url === '/2/events') continue;
      const { status } = await server.ask(name, url, { headers: { 'Sec-Fetch-Site': 'cross-site' } });
      const isKept = name !== 'GET' || method.opcode !== null;
      assert.equal(status === 403, isKept, `${name} ${url}: ${status}`);
    }
  assert.deepEqual(server.fake.submitted, []);
});

test('pages of an allowed origin may do what their user may, and no others are told so', async (t) => {
  const server = await start(t, { allowOrigins: [FRIEND] });
  const answer = await reinstall(server, { origin: FRIEND, 'sec-fetch-site': 'cross-site' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], FRIEND);
  assert.equal(answer.headers['access-control-allow-credentials'], 'true');
  assert.equal(answer.headers.vary, 'Origin');
  const refused = await reinstall(server, { origin: FRIEND, authorization: '' });
  assert.equal(refused.headers['access-control-allow-origin'], FRIEND, 'its page can read why');
  const ask = { 'access-control-request-method': 'PUT' };
  const question = (headers: Record<string, string>): Question => ({ auth: null, headers });
  const may = await server.ask('OPTIONS', '/2/instances', question({ origin: FRIEND, ...ask }));
  assert.deepEqual([may.status, may.text], [204, '']);
  assert.match(String(may.headers['access-control-allow-methods']), /PUT/);
  assert.match(String(may.headers['access-control-allow-headers']), /Authorization/);
  for (const headers of [{ origin: 'https://evil.example.com', ...ask }, ask, { origin: FRIEND }]) {
    const other = await server.ask('OPTIONS', '/2/instances', question(headers as Record<string, string>));
    assert.equal(other.status, 501);
    assert.equal(other.headers['access-control-allow-methods'], undefined);
  }
  assert.equal((await reinstall(server, { origin: 'https://evil.example.com' })).status, 403);
});

test('an allowed origin is answered before it must say who it is', async (t) => {
  const server = await start(t, { allowOrigins: [FRIEND], requireAuthentication: true });
  const headers = { origin: FRIEND, 'access-control-request-method': 'GET' };
  assert.equal((await server.ask('OPTIONS', '/2/info', { auth: null, headers })).status, 204);
  assert.equal((await server.ask('GET', '/2/info', { auth: null, headers: { origin: FRIEND } })).status, 401);
});

const wanted = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': undefined,
};

test('every answer has the headers that keep browsers from misusing it, refusals included', async (t) => {
  const server = await start(t);
  for (const [method, path, auth] of [
    ['GET', '/2/info', null],
    ['GET', '/2/nothing', null],
    ['POST', '/2/groups', null],
    ['GET', '/2/info', 'admin:wrong'],
    ['BREW', '/2/info', null],
  ] as const) {
    const socket = connect(server.port, '127.0.0.1');
    const credentials = auth ? `Authorization: Basic ${Buffer.from(auth).toString('base64')}\r\n` : '';
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: vm.example.com\r\nConnection: close\r\n${credentials}\r\n`,
    );
    const head = (await text(socket)).split('\r\n\r\n')[0] ?? '';
    const headers = new Map(
      head.split('\r\n').map((line) => [line.split(': ')[0]?.toLowerCase(), line.replace(/^[^:]*: /, '')]),
    );
    for (const [name, value] of Object.entries(wanted))
      assert.equal(headers.get(name), value, `${name} of ${method} ${path}`);
  }
});

test('only names reached by TLS are bound to it', async (t) => {
  const tls = await issueAlone('vm.example.com', 3600);
  const server = await start(t, { tls });
  const https = await import('node:https');
  for (const [host, isStrict] of [
    ['vm.example.com', true],
    ['vm.example.com:5080', true],
    ['localhost:5080', false],
    ['127.0.0.1', false],
    ['[::1]:5080', false],
    ['vm', false],
  ] as const) {
    const header = await new Promise((resolve, reject) => {
      const options = { port: server.port, host: '127.0.0.1', ca: tls.cert, servername: 'vm.example.com' };
      https
        .get({ ...options, path: '/2/info', headers: { host }, agent: false }, (response) => {
          response.resume();
          resolve(response.headers['strict-transport-security']);
        })
        .on('error', reject);
    });
    assert.equal(header !== undefined, isStrict, host);
  }
});
