import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { type RapiServer, startRapi } from '../../lib/surfaces/rapi/server.ts';
import type { TestCluster } from '../helpers/cluster.ts';
import { Programs } from '../helpers/program.ts';
import { endGuest, instance_name, realGuest } from '../units/guest/real.ts';

describe('merapi instance guest', () => {
  const programs = new Programs();
  let cluster: TestCluster;
  let server: RapiServer;
  let folder: string;
  before(async () => {
    cluster = await realGuest();
    folder = await programs.folder();
    server = await startRapi({
      ...{ manager: cluster.manager, bind: '127.0.0.1', port: 0, tls: null, requireAuthentication: false },
      users: { authenticate: (name) => ({ name, rights: ['write'] }) },
      ...{ clock: systemClock, log: silentLogger },
    });
    process.env.MERAPI_URL = `http://127.0.0.1:${server.port}`;
    process.env.MERAPI_USER = 'admin';
    process.env.MERAPI_PASSWORD = 'x';
  });
  after(async () => {
    for (const name of ['MERAPI_URL', 'MERAPI_USER', 'MERAPI_PASSWORD']) delete process.env[name];
    await server.close();
    await programs.close();
    await endGuest(cluster);
  });

  const guest = (words: string[], input = '') =>
    programs.run(['instance', 'guest', instance_name, ...words], { input });

  it('shows what the agent tells', async () => {
    const info = await guest(['info']);
    assert.equal(info.code, 0, info.stderr);
    assert.match(info.stdout, /^version: [0-9.]+$/m);
    assert.match(info.stdout, /host-name: agent\.example\.com/);
    const json = JSON.parse((await guest(['info', '--json'])).stdout);
    assert.deepEqual([json.channel, json.hostname], ['open', { 'host-name': instance_name }]);
    assert.deepEqual(JSON.parse((await guest(['get-timezone', '--json'])).stdout), {
      zone: 'UTC',
      offset: 0,
    });
    const raw = await guest(['command', 'guest-file-open', '{"path":"/nowhere"}']);
    assert.deepEqual([raw.code, raw.stdout], [1, '']);
    assert.match(raw.stderr, /^merapi: .*GenericError: failed to open file/);
  });

  it('runs programs with their input, output and exit code', async () => {
    const ran = await guest(
      ['exec', '--env', 'WORD=here', '/bin/sh', '-c', 'cat; echo "$WORD" >&2; exit 7'],
      'input\n',
    );
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [7, 'input\n', 'here\n']);
    const plain = await guest(['exec', '--no-stream', '/bin/echo', '--option', 'x']);
    assert.deepEqual([plain.code, plain.stdout], [0, '--option x\n']);
    const json = JSON.parse((await guest(['exec', '--json', '/bin/false'])).stdout);
    assert.deepEqual([json.exited, json.exitcode], [true, 1]);
    const missing = await guest(['exec', '/no/such/program']);
    assert.equal(missing.code, 127);
    const left = await guest(['exec', '/bin/sh', '-c', 'ls -d /tmp/merapi-* 2>/dev/null | wc -l']);
    assert.equal(left.stdout, '1\n', 'only its own folder is there');
  });

  it('keeps the folder from line to line in a shell, and ends as the last line does', async () => {
    const ran = await guest(['shell'], 'cd /etc\npwd\nfalse\n');
    assert.deepEqual([ran.code, ran.stdout], [1, '/etc\n']);
  });

  it('copies files and folders in and out, whole', async () => {
    const content = randomBytes(1_500_000);
    const [file, back] = [join(folder, 'file'), join(folder, 'back')];
    await writeFile(file, content);
    const sent = await guest(['cp', '--json', file, ':/tmp/copied']);
    assert.equal(sent.code, 0, sent.stderr);
    const sha256 = createHash('sha256').update(content).digest('hex');
    assert.deepEqual(JSON.parse(sent.stdout), {
      bytes: content.length,
      sha256,
      from: file,
      to: '/tmp/copied',
    });
    const got = await guest(['cp', ':/tmp/copied', back]);
    assert.equal(got.code, 0, got.stderr);
    assert.ok((await readFile(back)).equals(content));
    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'deep'), { recursive: true });
    await writeFile(join(tree, 'deep', 'leaf'), 'leaf\n');
    assert.equal((await guest(['cp', '-r', tree, ':/tmp/tree'])).code, 0);
    assert.equal((await guest(['cp', '-r', ':/tmp/tree', join(folder, 'tree2')])).code, 0);
    assert.equal(await readFile(join(folder, 'tree2', 'deep', 'leaf'), 'utf8'), 'leaf\n');
    const wrong = await guest(['cp', file, back]);
    assert.deepEqual([wrong.code, /begin with a colon/.test(wrong.stderr)], [2, true]);
    assert.equal((await guest(['cp', ':/nowhere', back])).code, 1);
  });

  it('sets passwords, keys, processors and time, and freezes', async () => {
    assert.equal((await guest(['passwd', 'root'], 'new secret\n')).code, 0);
    assert.equal((await guest(['passwd', 'root'])).code, 2);
    const key = 'ssh-ed25519 AAAAC3Nz someone@example.com';
    assert.equal((await guest(['ssh-key', 'add', 'root'], `${key}\n`)).code, 0);
    assert.deepEqual(JSON.parse((await guest(['ssh-key', 'list', 'root', '--json'])).stdout), [key]);
    assert.equal((await guest(['ssh-key', 'replace', 'root'], '')).code, 0);
    assert.match((await guest(['vcpus'])).stdout, /logical-id: 1/);
    assert.equal((await guest(['vcpus', '1', '--set', 'offline'])).stdout, '1\n');
    assert.equal((await guest(['set-time', 'now'])).code, 0);
    assert.equal((await guest(['fsfreeze', '--ttl', '30'])).stdout, '1\n');
    assert.equal((await guest(['get-osinfo'])).code, 1);
    assert.equal((await guest(['fsthaw'])).stdout, '1\n');
    assert.equal((await guest(['fstrim'])).code, 0);
  });

  it('tells what is wrong with its words in one line', async () => {
    for (const words of [
      ['nosuch'],
      ['exec'],
      ['ssh-key', 'burn', 'root'],
      ['set-time', 'yesterday'],
      ['command', 'x', '{'],
    ]) {
      const { code, stderr, stdout } = await guest(words);
      assert.deepEqual([code, stdout], [2, ''], words.join(' '));
      assert.match(stderr, /^merapi: [^\n]+\n$/);
    }
    const help = await guest([]);
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, /exec \[options\] <program>/);
  });
});
