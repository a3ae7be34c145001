import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { createLogger } from '../../lib/base/log.ts';
import { isFinal } from '../../lib/model/job.ts';
import { allParams, type Opcode } from '../../lib/opcodes/define.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';
import type { RapiServer } from '../../lib/surfaces/rapi/server.ts';
import { startRapi } from '../../lib/surfaces/rapi/server.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { makeOs } from './instance/fixture.ts';

/** What may be found nowhere. */
const CANARY = 'T0pS3cretCanary';
const parameters = 'pw A password.\n';
const name = 'web.example.com';

describe('secrets', () => {
  let folder: string;
  let cluster: TestCluster;
  let server: RapiServer;
  let logged = '';
  let answers = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-secrets-'));
    const fails = '#!/bin/sh\nenv; env >&2; exit 1\n';
    await makeOs(join(folder, 'good'), { 'parameters.list': parameters });
    await makeOs(join(folder, 'unsure'), { 'parameters.list': parameters, verify: fails });
    await makeOs(join(folder, 'failing'), { 'parameters.list': parameters, create: fails, rename: fails });
    const log = createLogger(
      'test',
      'trace',
      new Writable({
        write(text, _encoding, done) {
          logged += text;
          done();
        },
      }),
    );
    cluster = await TestCluster.start(['node1'], [], { os_search_path: [folder] }, log);
    server = await startRapi({
      manager: cluster.manager,
      users: { authenticate: (user) => ({ name: user, rights: ['write'] }) },
      ...{ bind: '127.0.0.1', port: 0, tls: null, requireAuthentication: false },
      ...{ clock: systemClock, log },
    });
  });
  after(async () => {
    await server.close();
    await cluster.close();
    await rm(folder, { recursive: true });
  });

  /** Sends a request; waits for the job that it becomes. Answers the status, and how the job ended. */
  async function send(method: string, path: string, body: unknown, headers = {}): Promise<string> {
    const authorization = `Basic ${Buffer.from('admin:x').toString('base64')}`;
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    answers += text;
    if (response.status !== 200) return String(response.status);
    const job = await cluster.ended(Number(text));
    assert.ok(isFinal(job.status));
    return job.status;
  }

  const creation = (osparams: unknown, over = {}) => ({
    ...{ __version__: 1, name, mode: 'create', disk_template: 'file', disks: [{ size: 4 }], nics: [] },
    ...{
      pnode: 'node1',
      os_type: 'good',
      start: false,
      hypervisor: 'fake',
      osparams_private: osparams,
      ...over,
    },
  });
  const create = (osparams: unknown, over = {}) => send('POST', '/2/instances', creation(osparams, over));
  const removed = () => send('DELETE', `/2/instances/${name}`, '');

  /** Wrong values of a secret parameter, each of which another check refuses. */
  const wrong: unknown[] = [
    { pw: `${CANARY}\0x` },
    { pw: `${CANARY}\ud800` },
    { pw: CANARY.repeat(9_000) },
    CANARY,
    [CANARY],
    [[CANARY, { pw: CANARY }]],
  ];
  /** An instance has no value of its own to take away; a cluster has. */
  const taken = { pw: null, other: CANARY };

  it('stand in no answer, job, event, log or file, whatever fails', async () => {
    const secret = { pw: CANARY };
    // What the form of the request refuses.
    for (const value of [...wrong, taken]) {
      for (const param of ['osparams_private', 'osparams_secret'])
        assert.equal(await create({}, { [param]: value }), '400', JSON.stringify(value).slice(0, 80));
      assert.equal(await send('PUT', `/2/instances/${name}/modify`, { osparams_private: value }), '400');
      const { osparams_private: _, ...other } = creation({}, { osparams_secret: value });
      const many = { instances: [{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: name, ...other }] };
      assert.equal(await send('POST', '/2/instances-multi-alloc', many), '400');
    }
    const text = JSON.stringify(creation(secret));
    for (const cut of [
      text.slice(0, -1),
      `${text}x`,
      text.replace('"mode":', '"mode"'),
      text.replaceAll('"', "'"),
    ])
      assert.equal(await send('POST', '/2/instances', cut), '400');
    assert.equal(await create(secret, { nonsense: 1 }), '400');

    // What the checks of the job and the scripts refuse.
    const key = { 'idempotency-key': 'one' };
    for (const os_type of ['nosuch', 'unsure', 'failing'])
      assert.equal(await create(secret, { os_type, osparams_secret: secret }), 'error', os_type);
    assert.equal(await create({ [CANARY.slice(0, 3)]: CANARY }), 'error', 'an OS without such a parameter');
    assert.equal(await create(secret, { beparams: { maxmem: 'much' } }), 'error');
    assert.equal(await send('POST', '/2/instances?dry-run=1', creation(secret)), 'success');

    // What goes wrong on the way, with texts as libraries make them.
    for (const call of ['os.create', 'disk.create', 'hooks.run']) {
      cluster.gate.call = async (wanted, make) => {
        if (wanted !== call) return make();
        throw Object.assign(new TypeError(`Received '${CANARY}'`), {
          argv: [CANARY],
          code: 'ERR_INVALID_ARG_VALUE',
        });
      };
      assert.equal(await create(secret), call === 'hooks.run' ? 'success' : 'error', call);
      if (call === 'hooks.run') await removed();
    }
    cluster.gate.call = undefined;
    const hook = join(cluster.folder('node1'), 'hooks', 'instance-add-pre.d');
    await mkdir(hook, { recursive: true });
    await writeFile(join(hook, 'veto'), '#!/bin/sh\nenv\nexit 1\n');
    await chmod(join(hook, 'veto'), 0o755);
    await cluster.tools.nodes.call(cluster.store.view.nodes.list()[0] as never, 'node.facts', {});
    assert.equal(await create(secret), 'error', 'a veto');
    await rm(hook, { recursive: true });
    await cluster.tools.nodes.call(cluster.store.view.nodes.list()[0] as never, 'node.facts', {});

    // What ends well.
    assert.equal(await send('POST', '/2/instances', creation(secret), key), 'success');
    assert.equal(await send('POST', '/2/instances', creation(secret), key), 'success', 'the same job');
    assert.equal(await send('POST', '/2/instances', creation({ pw: `${CANARY}2` }), key), '409');
    const modify = `/2/instances/${name}/modify`;
    assert.equal(await send('PUT', modify, { osparams_private: { pw: `${CANARY}3` } }), 'success');
    assert.equal(await send('PUT', modify, { osparams_private: secret, os_name: 'nosuch' }), 'error');
    for (const os_type of ['failing', 'unsure', 'nosuch', 'good']) {
      const again = {
        OP_ID: 'OP_INSTANCE_REINSTALL',
        instance_name: name,
        os_type,
        osparams_private: secret,
      };
      const job = await cluster.run({ ...again, osparams_secret: secret });
      assert.equal(job.status, os_type === 'good' ? 'success' : 'error', os_type);
    }
    assert.equal(await send('PUT', '/2/modify', { osparams_private_cluster: { good: secret } }), 'success');
    for (const value of wrong)
      assert.equal(await send('PUT', '/2/modify', { osparams_private_cluster: { good: value } }), '400');

    // What goes into a guest; what real guests do with it is in test/units/guest.
    const guest = `/2/instances/${name}/guest`;
    const program = { argv: [CANARY], env: [`A=${CANARY}`], input: `${CANARY}=` };
    assert.equal(await send('POST', `${guest}/exec`, program), 'error');
    assert.equal(await send('POST', `${guest}/exec`, { ...program, argv: [] }), '400');
    assert.equal(await send('POST', `${guest}/exec`, { ...program, env: [CANARY] }), '400');
    assert.equal(await send('POST', `${guest}/exec`, { ...program, input: `${CANARY}!` }), '400');
    assert.equal(await send('PUT', `${guest}/users/root/password`, { password: CANARY }), 'error');
    assert.equal(await send('PUT', `${guest}/users/root/password`, { password: [CANARY] }), '400');
    assert.equal(await send('PUT', `${guest}/file`, { path: '/x', content: `${CANARY}=` }), '409');
    assert.equal(await send('PUT', `${guest}/file`, { path: '/x', content: `${CANARY}!` }), '400');
    const raw = { execute: 'guest-file-write', arguments: { handle: 1, 'buf-b64': CANARY } };
    assert.equal(await send('POST', `${guest}/command`, raw), '409');
    assert.equal(await send('POST', `${guest}/command`, { ...raw, arguments: CANARY }), '400');

    // Every place where something of it could be.
    for (const path of ['/2/jobs?bulk=1', '/2/instances?bulk=1', '/2/info', '/2/events?since=0', '/2/queue'])
      answers += await (await fetch(`${server.url}${path}`)).text();
    for (const id of (await (await fetch(`${server.url}/2/jobs`)).json()) as { id: number }[])
      answers += await (await fetch(`${server.url}/2/jobs/${id.id}`)).text();
    assert.match(answers, /<redacted>|error/);
    await removed();
    const prints = [creation(secret), creation({ pw: `${CANARY}2` })].map((body) =>
      createHash('sha256')
        .update(`POST /2/instances\n${JSON.stringify(body)}`)
        .digest('hex'),
    );
    const files = (await readdir(cluster.dir, { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    );
    assert.ok(
      files.some(({ name: file }) => file === 'cluster.db'),
      'the store is among the files',
    );
    const texts: [string, string][] = [
      ['the log', logged],
      ['the answers', answers],
    ];
    // What a script of an OS writes is in a file of its own that only the worker's user reads.
    for (const { name: file, parentPath } of files)
      if (!file.startsWith('os-')) texts.push([file, await readFile(join(parentPath, file), 'latin1')]);
    for (const [what, content] of texts)
      for (const found of [CANARY, ...prints]) assert.ok(!content.includes(found), `${found} is in ${what}`);
    assert.match(logged, /"id":"error-[0-9a-f]{12}"/, 'the log names what was not expected');
  });

  it('the opcodes with secrets are those that are tried here', () => {
    const found = Object.values(opcodes as unknown as Record<string, Opcode>).flatMap((opcode) =>
      Object.entries(allParams(opcode)).flatMap(([param, { secret }]) =>
        secret ? [`${opcode.id} ${param}`] : [],
      ),
    );
    assert.deepEqual(found.sort(), [
      'OP_CLUSTER_SET_PARAMS osparams_private_cluster',
      'OP_GUEST_EXEC argv',
      'OP_GUEST_EXEC env',
      'OP_GUEST_EXEC input',
      'OP_GUEST_SET_PASSWORD password',
      'OP_INSTANCE_CREATE osparams_private',
      'OP_INSTANCE_CREATE osparams_secret',
      'OP_INSTANCE_REINSTALL osparams_private',
      'OP_INSTANCE_REINSTALL osparams_secret',
      'OP_INSTANCE_SET_PARAMS osparams_private',
    ]);
  });
});
