import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { type ErrorCode, MerapiError } from '../../../lib/base/errors.ts';
import type { Manager } from '../../../lib/manager/define.ts';
import { agentCommands } from '../../../lib/model/guest-agent/commands.ts';
import { serve } from './fixture.ts';

const base = '/2/instances/web.example.com/guest';

/** A server whose guests do what the functions say. */
async function open(t: TestContext, over: Partial<Manager>) {
  const server = await serve();
  t.after(() => server.close());
  Object.assign(server.manager, over);
  return server;
}

describe('the guests of the RAPI', () => {
  it('pass on what agents answer, unchanged, and the time limit that was asked for', async (t) => {
    const asked: unknown[] = [];
    const { ask } = await open(t, {
      askGuest: async (_principal, name, command, { timeout, args }) => {
        asked.push([name, command, timeout, args]);
        return command === 'guest-get-time' ? 1798757105123456789n : { any: ['thing'] };
      },
    });
    assert.equal((await ask('GET', `${base}/time`)).text, '{"return":1798757105123456789}\n');
    assert.deepEqual((await ask('GET', `${base}/osinfo?timeout=3`)).json, { return: { any: ['thing'] } });
    await ask('GET', `${base}/users/root/ssh-keys`);
    assert.deepEqual(asked, [
      ['web.example.com', 'guest-get-time', null, undefined],
      ['web.example.com', 'guest-get-osinfo', 3000, undefined],
      ['web.example.com', 'guest-ssh-get-authorized-keys', null, { username: 'root' }],
    ]);
    for (const timeout of ['0', '601', '1.5', 'x'])
      assert.equal((await ask('GET', `${base}/osinfo?timeout=${timeout}`)).status, 400, timeout);
  });

  it('reach each command that only reads at a path of its own', async (t) => {
    const found = new Set<string>();
    const { ask } = await open(t, {
      askGuest: async (_principal, _name, command) => {
        found.add(command);
        return {};
      },
    });
    for (const path of [
      ...['ping', 'info', 'osinfo', 'hostname', 'timezone', 'users', 'time', 'network', 'routes', 'load'],
      ...['vcpus', 'memory-blocks', 'memory-block-info', 'filesystems', 'disks', 'diskstats', 'cpustats'],
      ...['devices', 'fsfreeze', 'users/root/ssh-keys'],
    ])
      assert.equal((await ask('GET', `${base}/${path}`)).status, 200, path);
    const reading = Object.entries(agentCommands).flatMap(([name, { reads }]) => (reads ? [name] : []));
    assert.deepEqual([...found].sort(), reading.filter((name) => !name.startsWith('guest-sync')).sort());
  });

  it('answer failures with a status for each kind, and the words of the agent', async (t) => {
    let code: ErrorCode = 'conflict';
    const detail = 'GenericError: words of the agent';
    const { ask } = await open(t, {
      askGuest: async () => {
        throw new MerapiError(code, 'Own words', { detail });
      },
    });
    const statuses: [ErrorCode, number][] = [
      ['not_found', 404],
      ['conflict', 409],
      ['unavailable', 503],
      ['timeout', 504],
      ['unsupported', 501],
      ['forbidden', 403],
      ['guest_agent', 502],
    ];
    for (const [each, status] of statuses) {
      code = each;
      const answer = await ask('GET', `${base}/info`);
      assert.equal(answer.status, status, each);
      assert.ok(String((answer.json as { detail: string }).detail).includes(detail), each);
    }
    code = 'unavailable';
    assert.deepEqual((await ask('GET', `${base}/ping`)).json, { alive: false, rtt: null });
    code = 'conflict';
    assert.equal((await ask('GET', `${base}/ping`)).status, 409);
  });

  it('are for nobody without a right of its own: neither for anonymous users nor for those who may read', async (t) => {
    const { ask } = await open(t, {});
    for (const [method, path] of [
      ...[
        ['GET', ''],
        ['GET', '/osinfo'],
        ['GET', '/file?path=/x'],
        ['GET', '/exec/5'],
        ['POST', '/command'],
      ],
      ...[
        ['PUT', '/power'],
        ['PUT', '/fstrim'],
        ['PUT', '/file'],
        ['POST', '/exec'],
        ['DELETE', '/fsfreeze'],
      ],
    ] as const) {
      assert.equal((await ask(method, base + path, { auth: null })).status, 401, path);
      assert.equal((await ask(method, base + path, { auth: 'reader:foo' })).status, 403, path);
    }
  });

  it('give and take files as bytes or as JSON', async (t) => {
    const sent: Buffer[] = [];
    const files: unknown[] = [];
    const server = await open(t, {
      guestFile: async function* (_principal, _name, { path, offset, count }) {
        files.push([path, offset, count]);
        yield Buffer.of(0, 255, 10);
        yield Buffer.from('more');
      },
      uploadForGuest: async (_principal, _name, data) => {
        const parts: Buffer[] = [];
        for await (const part of data) parts.push(part);
        sent.push(Buffer.concat(parts));
        return { upload: 'u', size: 1, checksum: 'a'.repeat(64) };
      },
    });
    const url = `http://127.0.0.1:${server.port}${base}/file`;
    const authorization = `Basic ${Buffer.from('admin:se:cret').toString('base64')}`;
    const dispatcher = new Agent();
    t.after(() => dispatcher.close());
    const got = await request(`${url}?path=/etc/x&offset=5`, { headers: { authorization }, dispatcher });
    assert.equal(got.headers['content-type'], 'application/octet-stream');
    assert.deepEqual(Buffer.from(await got.body.arrayBuffer()), Buffer.from('\0\xff\nmore', 'latin1'));
    const json = await server.ask('GET', `${base}/file?path=/etc/x&format=json&count=5`);
    assert.deepEqual(json.json, {
      content: Buffer.from('\0\xff\nmo', 'latin1').toString('base64'),
      eof: false,
      truncated: true,
    });
    assert.deepEqual(files, [
      ['/etc/x', 5, Number.MAX_SAFE_INTEGER],
      ['/etc/x', 0, 6],
    ]);
    const bytes = Buffer.alloc(300_000, 7);
    const put = await request(`${url}?path=/etc/y&mode=a`, {
      ...{ method: 'PUT', body: bytes, dispatcher },
      headers: { authorization, 'content-type': 'application/octet-stream' },
    });
    assert.equal(put.statusCode, 200, await put.body.text());
    await server.ask('PUT', `${base}/file`, { body: { path: '/etc/z', content: 'aGk=' } });
    assert.ok(sent[0]?.equals(bytes));
    assert.equal(String(sent[1]), 'hi');
    const submitted = server.fake.submitted
      .flat()
      .map(({ OP_ID, path, append, upload }) => ({ OP_ID, path, append, upload }));
    assert.deepEqual(submitted, [
      { OP_ID: 'OP_GUEST_FILE_WRITE', path: '/etc/y', append: true, upload: 'u' },
      { OP_ID: 'OP_GUEST_FILE_WRITE', path: '/etc/z', append: false, upload: 'u' },
    ]);
    assert.ok(
      server.fake.submitted.every((op) => !Object.values(op).includes('aGk=')),
      'no content is in a job',
    );
    for (const wrong of ['', '?path=/x&format=xml', '?path=/x&count=-1', '?path=/x&offset=a'])
      assert.equal((await server.ask('GET', `${base}/file${wrong}`)).status, 400, wrong);
  });

  it('take any command, and refuse a body that is none', async (t) => {
    const asked: unknown[] = [];
    const { ask } = await open(t, {
      sendToGuest: async (_principal, _name, command, { args, timeout }) => {
        asked.push([command, args, timeout]);
        return 5;
      },
    });
    const body = { execute: 'guest-new-thing', arguments: { a: 1 }, timeout: 2 };
    assert.deepEqual((await ask('POST', `${base}/command`, { body })).json, { return: 5 });
    assert.deepEqual(asked, [['guest-new-thing', { a: 1 }, 2000]]);
    for (const wrong of [
      {},
      { execute: 'a b' },
      { execute: 'x', arguments: [] },
      { execute: 'x', timeout: 0 },
      { execute: 'x', more: 1 },
    ])
      assert.equal(
        (await ask('POST', `${base}/command`, { body: wrong })).status,
        400,
        JSON.stringify(wrong),
      );
  });
});
