import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { stringifyJson } from '../../../lib/base/json.ts';
import { NOW, type Question, serve, type TestServer } from './fixture.ts';

async function start(t: TestContext, options: Parameters<typeof serve>[0] = {}): Promise<TestServer> {
  const server = await serve(options);
  t.after(() => server.close());
  return server;
}

/** The messages that Ganeti's clients match. */
const fixed: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  415: 'Unsupported Media Type',
};

/** Asks and checks the form of an error; gives what tells the particular case. */
async function refused(
  { ask }: TestServer,
  status: number,
  method: string,
  path: string,
  question: Question = {},
): Promise<string> {
  const answer = await ask(method, path, question);
  const label = `${method} ${path} ${String(question.raw).slice(0, 80)}: ${answer.text}`;
  assert.equal(answer.status, status, label);
  const body = answer.json as { code: number; message: string; explain: string; detail?: string };
  const { detail, message } = body;
  const standard = fixed[status];
  assert.deepEqual(
    Object.keys(body),
    ['code', 'message', 'explain', ...(standard === undefined ? [] : ['detail'])],
    label,
  );
  assert.equal(message, standard ?? message, label);
  assert.equal(body.code, status);
  assert.equal(answer.headers['content-type'], 'application/json', label);
  const challenge = status === 401 ? 'Basic realm="Ganeti Remote API"' : undefined;
  assert.equal(answer.headers['www-authenticate'], challenge, label);
  return detail ?? message;
}

test('paths match raw: no decoding, no slash more or less', async (t) => {
  const server = await start(t);
  for (const path of [
    '/3',
    '/2/nothing',
    '/2/',
    '/2/instances/',
    '/2//instances',
    '//2/instances',
    '/2/jobs/abc',
    '/2/jobs/1/',
    '/2/jobs/%31',
    '/2/groups/defa%75lt',
    '/2/instances/a%20b',
    '/2/instances/a%2Fb',
    '/2/INFO',
    '/2/info/',
    '/2/instances/x/../y',
  ])
    await refused(server, 404, 'GET', path);
  assert.match(await refused(server, 404, 'GET', '/2/nothing'), /\/2\/nothing/);
});

test('the first failing check answers: path, method, user, right, media type, content', async (t) => {
  const server = await start(t);
  const wrong = { auth: 'admin:wrong', raw: '{', headers: { 'Content-Type': 'text/plain' } };
  await refused(server, 404, 'POST', '/2/nothing', wrong);
  assert.equal(
    await refused(server, 501, 'POST', '/version', wrong),
    'Method POST is unsupported for path /version',
  );
  assert.equal(
    await refused(server, 501, 'PUT', '/2/instances?bulk=1&x=1', wrong),
    'Method PUT is unsupported for path /2/instances?bulk=1&amp;x=1',
  );
  await refused(server, 401, 'POST', '/2/groups', wrong);
  await refused(server, 403, 'POST', '/2/groups', { ...wrong, auth: 'reader:foo' });
  await refused(server, 415, 'POST', '/2/groups', { ...wrong, auth: undefined });
  await refused(server, 400, 'POST', '/2/groups', { raw: '{' });
  assert.deepEqual(server.fake.submitted, []);
});

test('methods that a resource has not, the unusual ones included, are 501', async (t) => {
  const server = await start(t);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])
    assert.equal(
      await refused(server, 501, method, '/2/instances', { auth: null }),
      `Method ${method} is unsupported for path /2/instances`,
    );
  const head = await server.ask('HEAD', '/2/info', { auth: null });
  assert.equal(head.status, 501);
  assert.equal(head.text, '');
  assert.ok(Number(head.headers['content-length']) > 0);
  assert.ok((await server.ask('GET', '/version')).reused, 'the connection survives all that');
});

test('who may come in', async (t) => {
  const server = await start(t);
  assert.equal((await server.ask('GET', '/2/nodes', { auth: null })).status, 200);
  assert.equal((await server.ask('GET', '/2/nodes', { auth: 'nobody:pw' })).status, 200);
  for (const auth of ['admin:wrong', 'admin:', 'ghost:x', 'Admin:se:cret', ':', 'admin:se'])
    await refused(server, 401, 'GET', '/2/nodes', { auth });
  for (const Authorization of ['Basic !!!', 'Basic', 'Basic ', 'Basic YWRtaW4=', 'Bearer abc', 'x'])
    await refused(server, 401, 'GET', '/2/nodes', { auth: null, headers: { Authorization } });
  const lower = { Authorization: `basic ${Buffer.from('admin:se:cret').toString('base64')}` };
  assert.equal((await server.ask('GET', '/2/nodes', { auth: null, headers: lower })).status, 200);

  const path = '/2/query/node?fields=name';
  await refused(server, 401, 'GET', path, { auth: null });
  assert.match(await refused(server, 403, 'GET', path, { auth: 'nobody:pw' }), /nobody/);
  assert.equal((await server.ask('GET', path, { auth: 'reader:foo' })).status, 200);
  assert.equal((await server.ask('GET', path)).status, 200);
  await refused(server, 403, 'GET', '/2/jobs/1/wait', { auth: 'reader:foo' });
});

test('with required authentication nobody is anonymous', async (t) => {
  const server = await start(t, { requireAuthentication: true });
  await refused(server, 401, 'GET', '/version', { auth: null });
  await refused(server, 401, 'GET', '/3', { auth: null });
  await refused(server, 401, 'PATCH', '/2/info', { auth: null });
  await refused(server, 401, 'GET', '/3', { auth: 'admin:wrong' });
  await refused(server, 404, 'GET', '/3', { auth: 'nobody:pw' });
  await refused(server, 501, 'PATCH', '/2/info', { auth: 'nobody:pw' });
  assert.equal((await server.ask('GET', '/version', { auth: 'nobody:pw' })).status, 200);
  await refused(server, 403, 'PUT', '/2/tags?tag=x', { auth: 'nobody:pw' });
});

test('a client that waits for the challenge gets through on the same connection', async (t) => {
  const server = await start(t);
  await refused(server, 401, 'PUT', '/2/tags?tag=x', { auth: null });
  const answer = await server.ask('PUT', '/2/tags?tag=x');
  assert.deepEqual([answer.status, answer.text, answer.reused], [200, '1\n', true]);
});

test('media types', async (t) => {
  const server = await start(t);
  const raw = '{"name":"g"}';
  for (const type of ['text/plain', 'application/json; charset=utf-8', 'application/json;', 'json', ''])
    await refused(server, 415, 'POST', '/2/groups', { raw, headers: { 'Content-Type': type } });
  await refused(server, 415, 'POST', '/2/groups', { raw, headers: { 'Content-Encoding': 'gzip' } });
  const chunked = {
    'Content-Type': 'text/plain',
    'Transfer-Encoding': 'chunked',
  };
  await refused(server, 415, 'POST', '/2/groups', { raw, headers: chunked });
  const typed = await server.ask('POST', '/2/groups', {
    raw,
    headers: { 'Content-Type': 'APPLICATION/JSON' },
  });
  assert.equal(typed.status, 200);
  for (const headers of [{}, { 'Content-Type': 'text/plain' }, { 'Transfer-Encoding': 'chunked' }]) {
    const answer = await server.ask('PUT', '/2/tags?tag=x', { headers });
    assert.equal(answer.status, 200, JSON.stringify(headers));
    assert.ok(answer.reused);
  }
  assert.equal(
    (await server.ask('PUT', '/2/tags', { raw: '', headers: { 'Content-Type': 'text/plain' } })).status,
    200,
  );
});

test('bodies that are no object or no JSON are 400', async (t) => {
  const server = await start(t);
  for (const raw of [
    '{not json',
    '',
    'null',
    '[]',
    '"abc"',
    '17',
    '{} trailing',
    ' ',
    '\ufeff',
    'NaN',
    '{"name":1}',
  ])
    await refused(server, 400, 'POST', '/2/groups', { raw });
  await refused(server, 400, 'POST', '/2/groups', { raw: Buffer.from('{"name":"\xff"}', 'latin1') });
  await refused(server, 400, 'POST', '/2/groups', { raw: `{"name":${'['.repeat(1e5)}${']'.repeat(1e5)}}` });
  assert.match(
    await refused(server, 400, 'POST', '/2/groups', {
      raw: '{"ndparams":{"a":'.concat('['.repeat(300), ']'.repeat(300), '}}'),
    }),
    /200 levels/,
  );
  assert.deepEqual(server.fake.submitted, []);
});

test('a body that is too long is 413, announced or not, and its sender gets to read that', async (t) => {
  const server = await start(t);
  const raw = Buffer.alloc(66 * 1024 * 1024, 0x20);
  await refused(server, 413, 'POST', '/2/groups', { raw });
  const chunked = { 'Transfer-Encoding': 'chunked' };
  await refused(server, 413, 'POST', '/2/groups', { raw, headers: chunked });
  assert.equal((await server.ask('GET', '/version')).text, '2\n');
});

test('integers beyond 2^53 pass both ways and null is a body', async (t) => {
  const server = await start(t);
  for (const path of ['/', '/2']) {
    const answer = await server.ask('GET', path, { auth: null });
    assert.deepEqual([answer.status, answer.text], [200, 'null\n']);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['content-length'], '5');
  }
  assert.ok((await server.ask('GET', '/2/info')).text.includes(`"big":${NOW}`));
  const raw = '{"name":"g","ndparams":{"n":12345678901234567891,"f":1.5,"i":2}}';
  assert.equal((await server.ask('POST', '/2/groups', { raw })).text, '1\n');
  assert.deepEqual(server.fake.submitted[0]?.ndparams, { n: 12345678901234567891n, f: 1.5, i: 2 });
  assert.match(stringifyJson(server.fake.submitted[0]), new RegExp(`"gnt:library:rlib2:groups","",${NOW}`));
});

test('a defect is 500 without its text, and the server goes on', async (t) => {
  const server = await start(t);
  server.fake.rows = null as never;
  assert.ok(!(await refused(server, 500, 'GET', '/2/query/node?fields=name')).includes('null'));
  assert.equal((await server.ask('GET', '/version')).text, '2\n');
});
