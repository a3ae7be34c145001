import assert from 'node:assert/strict';
import { access, copyFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, runOrThrow } from '../../lib/base/exec.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { socketsOf } from '../../lib/node/hypervisors/kvm/sockets.ts';
import { KvmHypervisor } from '../../lib/node/hypervisors/kvm.ts';
import { AgentClient } from '../helpers/agent.ts';
import { demoGuest } from '../helpers/demo.ts';
import { Resources } from '../node/helpers.ts';
import { kvmInstance, NotedNetwork, until } from '../node/hypervisors/kvm-helpers.ts';

const MIB = 1024 * 1024;

describe('the demo guest', () => {
  const resources = new Resources();
  after(() => resources.close());
  let os: string;
  let folder: string;
  let disk: string;

  before(async () => {
    os = join(await demoGuest(), 'os', 'demo');
    folder = await resources.folder();
    disk = await emptyDisk('disk.raw', 128);
  });

  async function emptyDisk(name: string, mib: number): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, '');
    await truncate(path, mib * MIB);
    return path;
  }

  const script = (name: string, env: Record<string, string>) =>
    run(join(os, name), [], {
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        INSTANCE_NAME: 'demo.example.com',
        DISK_COUNT: '1',
        ...env,
      },
    });

  async function succeed(name: string, env: Record<string, string>): Promise<void> {
    const { code, stderr } = await script(name, env);
    assert.equal(code, 0, stderr);
  }

  async function settings(path: string): Promise<string> {
    const text = await readFile(path);
    return text
      .subarray(32 * 1024, 36 * 1024)
      .toString('utf8')
      .replaceAll('\0', '');
  }

  it('is an OS definition of API version 20', async () => {
    assert.equal((await readFile(join(os, 'ganeti_api_version'), 'utf8')).trim(), '20');
    const parameters = (await readFile(join(os, 'parameters.list'), 'utf8')).trim().split('\n');
    assert.deepEqual(
      parameters.map((line) => line.split(' ', 1)[0]),
      ['root_password', 'prefix', 'gateway'],
    );
  });

  it('boots from the disk that create makes, and does what a server does', async () => {
    const nic = { NIC_COUNT: '1', NIC_0_IP: '192.0.2.5', OSP_PREFIX: '28', OSP_GATEWAY: '192.0.2.1' };
    await succeed('create', { DISK_0_PATH: disk, OSP_ROOT_PASSWORD: "it's $ecret", ...nic });
    const { size, blocks } = await stat(disk);
    assert.equal(size, 128 * MIB);
    assert.ok(blocks * 512 < 48 * MIB, 'the disk is sparse');
    const text = await settings(disk);
    assert.match(
      text,
      /^merapi-demo\nhostname=demo\.example\.com\nroot_hash=\$6\$.*\naddress_0=192\.0\.2\.5\/28\ngateway_0=192\.0\.2\.1\n$/,
    );
    assert.doesNotMatch(text, /ecret/);

    const driver = new KvmHypervisor({
      folder,
      network: new NotedNetwork(),
      log: silentLogger,
      accel: 'tcg',
    });
    await driver.open();
    resources.add(() => driver.close());
    const memory = { ...kvmInstance('x').beparams, minmem: 128, maxmem: 128 };
    const instance = kvmInstance('demo.example.com', { beparams: memory });
    resources.add(() => driver.stop(instance, { timeout: 0, force: true }));
    await driver.start(instance, { sources: [{ path: disk }], paused: false });
    const guest = join(folder, 'guests', instance.uuid);
    const agent = await AgentClient.connect(socketsOf(guest).agent, 120_000);
    resources.add(async () => agent.close());
    assert.equal((await agent.shell('hostname')).trim(), 'demo.example.com');
    const shadow = await agent.shell('cut -d: -f2 /etc/shadow');
    assert.ok(text.includes(shadow.trim()));
    assert.match(await agent.shell('mount'), /^\/dev\/vda2 on \/ type ext4 \(rw/m);
    await agent.shell('echo kept > /root/note');
    const password = Buffer.from('other').toString('base64');
    await agent.execute('guest-set-user-password', { username: 'root', password, crypted: false });
    const own = await agent.shell('cut -d: -f2 /etc/shadow');
    assert.match(own, /^\$6\$/);
    assert.notEqual(own, shadow);
    await until('the prompt', async () =>
      (await readFile(join(guest, 'serial.log'), 'utf8')).includes('demo.example.com login:'),
    );

    await driver.stop(instance, { timeout: 120, force: false });
    assert.match(await readFile(join(guest, 'serial.log'), 'utf8'), /Power down/);
    await succeed('rename', {
      DISK_0_PATH: disk,
      INSTANCE_NAME: 'new.example.com',
      OLD_INSTANCE_NAME: 'demo.example.com',
    });
    await driver.start(instance, { sources: [{ path: disk }], paused: false });
    const again = await AgentClient.connect(socketsOf(guest).agent, 120_000);
    resources.add(async () => again.close());
    const lines = 'hostname; cat /root/note; cut -d: -f2 /etc/shadow';
    assert.equal(await again.shell(lines), `new.example.com\nkept\n${own}`);
  });

  it('is exported and imported', async () => {
    const source = await emptyDisk('source.raw', 64);
    await succeed('create', { DISK_0_PATH: source });
    const target = await emptyDisk('target.raw', 96);
    const env = `EXPORT_DEVICE='${source}' IMPORT_DEVICE='${target}' EXPORT_INDEX=0 IMPORT_INDEX=0`;
    const pipe = `${env} INSTANCE_NAME=copy.example.com; export EXPORT_DEVICE IMPORT_DEVICE INSTANCE_NAME`;
    await runOrThrow('sh', ['-c', `${pipe}; '${os}/export' | '${os}/import'`]);
    assert.match(await settings(target), /hostname=copy\.example\.com/);
    assert.equal((await stat(target)).size, 96 * MIB);
    const [from, to] = [await readFile(source), await readFile(target)];
    assert.ok(from.subarray(MIB).equals(to.subarray(MIB, 64 * MIB)));
    assert.ok((await stat(target)).blocks * 512 < 48 * MIB, 'the copy is sparse');
    const small = await emptyDisk('small.raw', 32);
    const { code, stderr } = await run('sh', [
      '-c',
      `${pipe}; '${os}/export' | IMPORT_DEVICE='${small}' '${os}/import'`,
    ]);
    assert.notEqual(code, 0);
    assert.match(stderr, /bigger/);
  });

  it('says what is wrong', async () => {
    const small = await emptyDisk('tiny.raw', 32);
    assert.match(
      (await script('create', { DISK_0_PATH: small })).stderr,
      /32 MiB; the demo guest needs at least 64 MiB/,
    );
    assert.match((await script('create', { DISK_COUNT: '0' })).stderr, /needs a disk/);
    const foreign = await script('rename', { DISK_0_PATH: small });
    assert.deepEqual([foreign.code, /not made by/.test(foreign.stderr)], [1, true]);
    assert.equal((await script('verify', { OSP_PREFIX: '24', OSP_GATEWAY: '192.0.2.1' })).code, 0);
    assert.match((await script('verify', { OSP_PREFIX: 'wide' })).stderr, /prefix is not a number: wide/);
    assert.match((await script('verify', { OSP_PREFIX: '0' })).stderr, /prefix must be from 1 to 128/);
    assert.match((await script('verify', { OSP_GATEWAY: 'router' })).stderr, /gateway/);
    const bare = join(folder, 'bare');
    await runOrThrow('mkdir', [bare]);
    for (const name of ['create', 'common.sh']) {
      await copyFile(join(os, name), join(bare, name));
    }
    const { stderr } = await run(join(bare, 'create'), [], { env: { DISK_COUNT: '1', DISK_0_PATH: small } });
    assert.match(stderr, /build them with demo\/build-guest\.sh/);
  });

  it('is not built again without need, and leaves nothing of the building behind', async () => {
    const out = await demoGuest();
    const script = join(import.meta.dirname, '../../demo/build-guest.sh');
    const begin = performance.now();
    assert.match(await runOrThrow(script, [out]), /^demo guest: ready in .*\n$/);
    assert.ok(performance.now() - begin < 5000);
    assert.deepEqual((await readdir(out)).sort(), ['built-from', 'os']);
    await assert.rejects(access(`${out}.new`));
    assert.equal((await run(script, [])).code, 2);
  });
});
