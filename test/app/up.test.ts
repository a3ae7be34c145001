import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { layoutOf } from '../../lib/app/layout.ts';
import { run } from '../../lib/base/exec.ts';
import { writeFileDurably } from '../../lib/base/files.ts';
import { instanceBody } from '../helpers/client.ts';
import { eventually, type Program, Programs, workerOf } from '../helpers/program.ts';

const NODE = 'node1.example.com';

describe('merapi up', () => {
  const programs = new Programs();
  after(() => programs.close());
  let dir: string;
  let cluster: string;
  let program: Program;
  before(async () => {
    dir = join(await programs.folder(), 'state');
    cluster = await programs.clusterFile();
    program = await programs.up({ dir, cluster, users: null, ssl: true });
  });

  const guests = () => readdir(join(layoutOf(dir).nodeFolder(NODE), 'guests'));
  const shell = async (command: string) => {
    const { code, stdout, stderr } = await run('/bin/sh', ['-c', command]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };

  it('tells where it is, then the password, then three lines to try', async () => {
    const [ready, password, ...lines] = program.stdout;
    assert.match(ready ?? '', /^ready https:\/\/127\.0\.0\.1:[0-9]+$/);
    assert.match(password ?? '', /^password: [A-Za-z0-9]{16,}$/);
    assert.equal(lines.length, 3);
    assert.equal(program.stderr, '');
    const file = layoutOf(dir).adminPassword;
    assert.equal(await readFile(file, 'utf8'), `${program.password}\n`);
    for (const secret of [file, layoutOf(dir).users, layoutOf(dir).secretKey])
      assert.equal((await stat(secret)).mode & 0o777, 0o600, secret);

    const [info, create, show] = lines as [string, string, string];
    assert.equal((await shell(info)).name, 'cluster.example.com');
    const job = await (await program.client()).jobEnd(await shell(create));
    assert.equal(job.status, 'success');
    assert.equal((await shell(show)).status, 'running');
    assert.deepEqual(await guests(), ['demo1.example.com.json']);
  });

  it('has a certificate for localhost and 127.0.0.1 that its authority signed', async () => {
    const { port } = new URL(program.url);
    for (const host of ['localhost', '127.0.0.1'])
      assert.equal(await shell(`curl -sS --cacert ${program.ca} https://${host}:${port}/version`), 2);
    const other = await run('curl', ['-sS', `${program.url}/version`]);
    assert.equal(other.code, 60, other.stderr); // not trusted without the authority
  });

  it('lets nobody else use its folder or its port', async () => {
    const again = await programs.run(await programs.upArgs(dir, { cluster, users: null }));
    assert.equal(again.code, 2);
    assert.match(again.stderr, new RegExp(`^merapi: .*${dir} is in use by .* ${program.child.pid}[^\n]+\n$`));

    const { port } = new URL(program.url);
    const elsewhere = join(await programs.folder(), 'state');
    const busy = await programs.run([
      ...['up', '--dir', elsewhere, '--cluster', cluster],
      ...['--port', port],
    ]);
    assert.equal(busy.code, 2);
    assert.match(busy.stderr, new RegExp(`^merapi: Port ${port} of 127.0.0.1 is in use[^\n]+\n$`));
    await assert.rejects(stat(elsewhere), { code: 'ENOENT' });
    assert.equal((await (await program.client()).ask('GET', '/2/info')).status, 200);
  });

  it('finds everything again after kill -9, the worker and its guests too', async () => {
    const client = await program.client();
    const jobs = await client.get('/2/jobs');
    const instance = await client.get<Record<string, unknown>>('/2/instances/demo1.example.com');
    const worker = await workerOf(dir);
    await program.kill9();
    assert.deepEqual(await workerOf(dir), worker);
    const { password } = program;
    program = await programs.up({ dir, cluster, users: null, ssl: true });
    assert.deepEqual(await workerOf(dir), worker);
    assert.equal(program.password, password);
    const later = await program.client();
    assert.deepEqual(await later.get('/2/jobs'), jobs);
    assert.deepEqual(await later.get('/2/instances/demo1.example.com'), instance);
  });

  it('leaves the guests running when it ends', async () => {
    await program.stop();
    assert.equal(await workerOf(dir), null);
    assert.deepEqual(await guests(), ['demo1.example.com.json']);
  });

  it('refuses to make another cluster of the one in the folder', async () => {
    const files = await readdir(dir, { recursive: true });
    const other = await programs.clusterFile({ name: 'other.example.com' }, 2);
    for (const command of ['up', 'init']) {
      const options = command === 'up' ? ['--port', '0'] : [];
      const result = await programs.run([command, '--dir', dir, '--cluster', other, ...options]);
      assert.equal(result.code, 2);
      assert.match(result.stderr, /^merapi: [^\n]+ contains the cluster cluster\.example\.com[^\n]*\n$/);
    }
    assert.deepEqual(await readdir(dir, { recursive: true }), files);
  });

  it('goes on without a cluster file, shuts the instances down at the end when told to, and starts them again', async () => {
    const args = ['up', '--dir', dir, '--port', '0', '--no-ssl', '--stop-instances'];
    const path = '/2/instances/demo1.example.com';
    for (const life of ['the first', 'the next']) {
      program = await programs.start(dir, args).ready();
      const client = await program.client();
      const isIn = (status: string) => async () =>
        (await client.get<{ status: string }>(path)).status === status || null;
      await eventually(`it runs in ${life} life`, isIn('running'));
      if (life === 'the next') {
        await client.ask('PUT', `${path}/shutdown`, { timeout: 0 });
        await eventually('it is down', isIn('ADMIN_down'));
      }
      await program.stop();
      assert.deepEqual(await guests(), []);
    }
  });

  it('leaves an instance down that was shut down before', async () => {
    program = await programs.start(dir, ['up', '--dir', dir, '--port', '0', '--no-ssl']).ready();
    const client = await program.client();
    assert.equal(
      (await client.get<{ status: string }>('/2/instances/demo1.example.com')).status,
      'ADMIN_down',
    );
    await program.stop();
  });

  it('adds the nodes that are new in the cluster file, and has a certificate for another address', async () => {
    const args = ['--bind', '127.0.0.2'];
    program = await programs.up({ dir, cluster: await programs.clusterFile({}, 2), ssl: true, args });
    assert.match(program.url, /^https:\/\/127\.0\.0\.2:/);
    const nodes = await (await program.client()).get<{ name: string; mtotal: number }[]>('/2/nodes?bulk=1');
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['node1.example.com', 'node2.example.com'],
    );
    assert.ok(nodes.every(({ mtotal }) => mtotal > 0));
    await program.stop();
  });
});

describe('the users of merapi up', () => {
  const programs = new Programs();
  after(() => programs.close());
  it('reads the users file again on SIGHUP and keeps the old users when it is broken', async () => {
    const users = join(await programs.folder(), 'users');
    await writeFile(users, 'admin secret write\n');
    const program = await programs.up({ users, args: ['--require-authentication'] });
    const statusFor = async (user: [string, string] | null, path = '/2/info') =>
      (await (await program.client(user)).ask('GET', path)).status;

    assert.equal(await statusFor(null), 401);
    assert.equal(await statusFor(null, '/version'), 401);
    assert.equal(await statusFor(['admin', 'secret']), 200);
    assert.equal(await statusFor(['jane', 'new']), 401);

    await writeFileDurably(users, 'admin secret write\njane {ClearText}new read\n');
    program.child.kill('SIGHUP');
    assert.equal(await statusFor(['jane', 'new']), 200);

    await writeFileDurably(users, 'jane\n'); // at once: half a file would be another one
    program.child.kill('SIGHUP');
    await eventually('the broken file is told', async () => (/unusable/.test(program.stderr) ? true : null));
    assert.match(program.stderr, /Line 1 of the users file has no password/);
    assert.equal(await statusFor(['jane', 'new']), 200);
    assert.equal(await statusFor(['admin', 'secret']), 200);
    await program.stop();
  });

  it('lets everybody read without --require-authentication, and only writers write', async () => {
    const program = await programs.up();
    const nobody = await program.client(null);
    assert.equal((await nobody.ask('GET', '/2/info')).status, 200);
    assert.equal((await nobody.ask('POST', '/2/instances', instanceBody('a.example.com'))).status, 401);
    const reader = await program.client(['reader', 'foo']);
    assert.equal((await reader.ask('POST', '/2/instances', instanceBody('a.example.com'))).status, 403);
    assert.deepEqual(program.stdout, [`ready ${program.url}`]); // the password of a given file is not known
    await program.stop();
  });
});
