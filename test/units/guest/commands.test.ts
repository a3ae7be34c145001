import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { stringifyJson } from '../../../lib/base/json.ts';
import { agentCommands, FILE_CHUNK } from '../../../lib/model/guest-agent/commands.ts';
import type { Job } from '../../../lib/model/job.ts';
import type { TestCluster } from '../../helpers/cluster.ts';
import { eventually } from '../../helpers/program.ts';
import { endGuest, instance_name, realGuest } from './real.ts';

const never = new AbortController().signal;

/** What each command does in the demo guest; docs/guest-agent.md shows it. MERAPI_RECORD=1 writes it anew. */
const file = new URL('outcomes.json', import.meta.url);

/** The arguments with which commands that need some are tried in turn; they depend on each other. */
const args: Readonly<Record<string, object>> = {
  'guest-sync': { id: 7 },
  'guest-sync-delimited': { id: 8 },
  'guest-file-open': { path: '/tmp/outcome', mode: 'w+' },
  'guest-file-write': { handle: 1000, 'buf-b64': 'aGVsbG8=' },
  'guest-file-flush': { handle: 1000 },
  'guest-file-seek': { handle: 1000, offset: 0, whence: 'set' },
  'guest-file-read': { handle: 1000 },
  'guest-file-close': { handle: 1000 },
  'guest-exec': { path: '/bin/true' },
  'guest-exec-status': { pid: 1 },
  'guest-set-user-password': { username: 'nobody-there', password: 'eA==', crypted: false },
  'guest-ssh-get-authorized-keys': { username: 'root' },
  'guest-ssh-add-authorized-keys': { username: 'root', keys: ['ssh-ed25519 AAAAC3Nz one'] },
  'guest-ssh-remove-authorized-keys': { username: 'root', keys: ['ssh-ed25519 AAAAC3Nz one'] },
  'guest-set-vcpus': { vcpus: [{ 'logical-id': 1, online: true }] },
  'guest-set-memory-blocks': { 'mem-blks': [{ 'phys-index': 0, online: true }] },
};

/** The order in which commands are tried, where it matters. */
const order = [
  ...[
    'guest-file-open',
    'guest-file-write',
    'guest-file-flush',
    'guest-file-seek',
    'guest-file-read',
    'guest-file-close',
  ],
  ...['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw', 'guest-fsfreeze-status'],
];

describe('the agent of a real guest', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await realGuest();
  });
  after(() => endGuest(cluster));

  const standing = () => cluster.manager.guestStanding(SYSTEM, instance_name, never);
  const ask = (command: string, given: object = {}) =>
    cluster.manager.sendToGuest(SYSTEM, instance_name, command, { args: given as Record<string, unknown> });
  const op = (OP_ID: string, params: object = {}): Promise<Job> =>
    cluster.run({ OP_ID, instance_name, ...params });
  const done = async (OP_ID: string, params: object = {}) => {
    const job = await op(OP_ID, params);
    assert.equal(job.status, 'success', stringifyJson(job.ops.map(({ failure }) => failure)));
    return job.ops[0]?.result;
  };
  async function exec(argv: string[], more: object = {}) {
    const { pid, exitcode } = (await done('OP_GUEST_EXEC', { argv, ...more })) as {
      pid: number;
      exitcode: number;
    };
    const { out, err } = await cluster.manager.guestOutput(SYSTEM, instance_name, pid, never);
    return {
      code: exitcode,
      out: Buffer.from(out, 'base64').toString('utf8'),
      err: Buffer.from(err, 'base64').toString('utf8'),
    };
  }
  const shell = async (command: string) => (await exec(['/bin/sh', '-c', command])).out;
  async function contentOf(path: string, offset = 0, count = Number.MAX_SAFE_INTEGER): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of cluster.manager.guestFile(SYSTEM, instance_name, {
      path,
      offset,
      count,
      signal: never,
    }))
      parts.push(part);
    return Buffer.concat(parts);
  }
  async function write(path: string, content: Buffer, append = false): Promise<void> {
    const data = (async function* () {
      yield content;
    })();
    const sent = await cluster.manager.uploadForGuest(SYSTEM, instance_name, data, never);
    assert.equal(sent.checksum, createHash('sha256').update(content).digest('hex'));
    await done('OP_GUEST_FILE_WRITE', { ...sent, path, append });
  }

  it('does what the table of the docs says', async () => {
    const outcomes: Record<string, string> = {};
    const rest = Object.keys(agentCommands).filter(
      (name) => !order.includes(name) && !/suspend|shutdown/.test(name),
    );
    for (const name of [...order, ...rest]) {
      const outcome = await ask(name, args[name]).then(
        () => 'answers',
        (error) => {
          assert.ok(error instanceof MerapiError, String(error));
          return `refuses: ${error.detail ?? error.message}`;
        },
      );
      outcomes[name] = outcome;
      if (name === 'guest-fsfreeze-freeze-list') await ask('guest-fsfreeze-thaw');
    }
    for (const name of Object.keys(agentCommands)) outcomes[name] ??= 'see the tests of power';
    const sorted = Object.fromEntries(Object.keys(agentCommands).map((name) => [name, outcomes[name]]));
    if (process.env.MERAPI_RECORD === '1') writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
    assert.deepEqual(sorted, JSON.parse(readFileSync(file, 'utf8')));
  });

  it('tells addresses, OS and host name, which stand in fields', async () => {
    const fields = ['guest.agent', 'guest.hostname', 'guest.os', 'guest.ips'];
    const row = await eventually('the facts', async () => {
      const { data } = await cluster.manager.query(SYSTEM, 'instance', fields, null);
      return data[0]?.[1]?.[0] === 0 ? data[0] : null;
    });
    assert.deepEqual(
      row.map(([, value]) => value),
      ['open', 'agent.example.com', "Merapi demo guest on Debian's kernel", []],
    );
  });

  it('runs programs with arguments, environment and input, and gives their output and how they ended', async () => {
    const argv = ['/bin/sh', '-c', 'echo "$1 $WORD"; cat; echo problem >&2; exit 3', 'sh', "it's"];
    const input = Buffer.from('given\n').toString('base64');
    const job = await op('OP_GUEST_EXEC', { argv, env: ['WORD=here', 'PATH=/bin'], input });
    const result = job.ops[0]?.result as { pid: number };
    assert.deepEqual(result, {
      ...{ pid: result.pid, exited: true, exitcode: 3, signal: null },
      ...{ out_truncated: false, err_truncated: false },
    });
    const { out, err } = await cluster.manager.guestOutput(SYSTEM, instance_name, result.pid, never);
    assert.equal(Buffer.from(out, 'base64').toString(), "it's here\ngiven\n");
    assert.equal(Buffer.from(err, 'base64').toString(), 'problem\n');
    const stored = stringifyJson(await cluster.manager.job(SYSTEM, job.id));
    assert.doesNotMatch(stored, /problem|it's|WORD|Z2l2ZW4/);
    const killed = (await done('OP_GUEST_EXEC', { argv: ['/bin/sh', '-c', 'kill -9 $$'] })) as object;
    assert.deepEqual({ ...killed, pid: 0 }, { ...result, pid: 0, exitcode: null, signal: 9 });
  });

  it('says that a program is not there without its name, and goes on with one that is not waited for', async () => {
    const missing = await op('OP_GUEST_EXEC', { argv: ['/opt/hidden/thing', 'word'] });
    assert.equal(missing.ops[0]?.failure?.code, 'guest_agent');
    assert.match(String(missing.ops[0]?.failure?.detail), /^GenericError: /);
    assert.doesNotMatch(stringifyJson(missing), /hidden|word/);
    const { pid, exited } = (await done('OP_GUEST_EXEC', {
      argv: ['/bin/sh', '-c', 'sleep 2; echo late'],
      wait: false,
    })) as { pid: number; exited: boolean };
    assert.equal(exited, false);
    const program = await eventually('its end', async () => {
      const now = await cluster.manager.guestOutput(SYSTEM, instance_name, pid, never);
      return now.exited ? now : null;
    });
    assert.equal(Buffer.from(program.out, 'base64').toString(), 'late\n');
    await assert.rejects(cluster.manager.guestOutput(SYSTEM, instance_name, 99_999, never), {
      code: 'not_found',
      detail: /^GenericError: /,
    });
  });

  it('takes and gives files of any size', async () => {
    const content = randomBytes(2 * FILE_CHUNK + 12_345);
    await write('/tmp/large', content);
    assert.ok((await contentOf('/tmp/large')).equals(content));
    assert.ok((await contentOf('/tmp/large', 100, 5000)).equals(content.subarray(100, 5100)));
    await write('/tmp/small', Buffer.from('one\n'));
    await write('/tmp/small', Buffer.from('two\n'), true);
    assert.equal((await contentOf('/tmp/small')).toString(), 'one\ntwo\n');
    await write('/tmp/empty', Buffer.alloc(0));
    assert.equal((await contentOf('/tmp/empty')).length, 0);
    assert.equal(
      await shell('wc -c </tmp/empty; sha256sum /tmp/large | cut -c1-64'),
      `0\n${createHash('sha256').update(content).digest('hex')}\n`,
    );
    await assert.rejects(contentOf('/nowhere'), { code: 'guest_agent', detail: /^GenericError: / });
    const refused = await op('OP_GUEST_FILE_WRITE', {
      ...{
        path: '/nowhere/file',
        upload: '5d1c6f0a-7c1e-4a4a-9f0e-1d4f6b1c2a3b',
        size: 1,
        checksum: 'a'.repeat(64),
      },
    });
    assert.equal(refused.ops[0]?.failure?.code, 'not_found');
  });

  it('freezes and thaws, and thaws by itself', async () => {
    const count = await done('OP_GUEST_FSFREEZE', { ttl: 60 });
    assert.ok(Number(count) >= 0, String(count));
    assert.equal((await standing()).frozen, true);
    await assert.rejects(ask('guest-get-osinfo'), { code: 'conflict', message: /frozen/ });
    assert.equal((await op('OP_GUEST_FSFREEZE')).ops[0]?.failure?.code, 'conflict');
    assert.equal(await done('OP_GUEST_FSTHAW'), count);
    assert.equal((await standing()).frozen, false);
    await done('OP_GUEST_FSFREEZE', { ttl: 1 });
    await eventually('it thaws', async () => ((await standing()).frozen ? null : true));
    assert.equal(await ask('guest-fsfreeze-status'), 'thawed');
  });

  it('sets passwords in both forms', async () => {
    const hash = async () => /^root:([^:]*):/m.exec(await shell('cat /etc/shadow'))?.[1] ?? '';
    const before = await hash();
    await done('OP_GUEST_SET_PASSWORD', { username: 'root', password: 'plain Passw0rd' });
    const plain = await hash();
    assert.notEqual(plain, before);
    const crypted =
      '$6$saltsalt$lMa1T7fN4SEVr1bnHVvyhpBXMnyEHU8OKiXdkTeGzE1A7d1T7v3jX0Xr5ktZrYxN3b3gCFjBOs5D0zJ1EMPjO/';
    await done('OP_GUEST_SET_PASSWORD', { username: 'root', password: crypted, crypted: true });
    assert.equal(await hash(), crypted);
    const stored: string[] = [];
    for await (const job of cluster.manager.jobs(SYSTEM)) stored.push(stringifyJson(job));
    assert.doesNotMatch(stored.join(), /Passw0rd|saltsalt/);
  });

  it('reboots, and shuts down when the cluster asks', async () => {
    await shell('touch /run/mark');
    await done('OP_GUEST_POWER', { action: 'reboot' });
    await eventually('the mark is gone', async () =>
      (await shell('ls /run/mark || echo gone').catch(() => '')).includes('gone') ? true : null,
    );
    await done('OP_INSTANCE_SHUTDOWN', { timeout: 120 });
    assert.equal((await op('OP_GUEST_FSTRIM')).ops[0]?.failure?.code, 'conflict');
    await assert.rejects(ask('guest-ping'), { code: 'conflict' });
  });
});
