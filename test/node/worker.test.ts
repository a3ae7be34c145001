import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '../../lib/base/log.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { type NodeConfig, type NodeWorker, startNodeWorker } from '../../lib/node/worker.ts';
import { type CallAnswer, CONTRACT } from '../../lib/rpc/wire.ts';
import {
  type Certificates,
  fileDisk,
  instanceTarget,
  makeCertificates,
  NODE_NAME,
  Resources,
  type TestClient,
} from './helpers.ts';
import { plainOs, writeOs } from './os/definitions-on-disk.ts';

const ROOT = '/srv/cluster/disks';
const disk = fileDisk(`${ROOT}/web/disk0`);
const web = instanceTarget({ disks: [disk], os: 'system' });

/** The result of an answer that must not be an error. */
function resultOf(answer: CallAnswer): unknown {
  assert.equal(answer.error, undefined);
  return answer.result;
}

describe('node worker', () => {
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  const resources = new Resources();
  after(() => resources.close());

  interface Life {
    worker: NodeWorker;
    client: TestClient;
    folder: string;
    disks: string;
    /** Ends this life and begins the next on the same folders. */
    next(): Promise<Life>;
  }

  async function live(root: string, changes: Partial<NodeConfig> = {}): Promise<Life> {
    const [folder, disks] = [join(root, 'worker'), join(root, 'disks')];
    const config: NodeConfig = {
      name: NODE_NAME,
      folder,
      hypervisors: ['fake'],
      listen: { host: '127.0.0.1', port: 0 },
      tls: certificates.node,
      version: '1.2.3',
      storageRoots: [ROOT],
      world: systemWorld,
      paths: [{ from: ROOT, to: disks }],
      ...changes,
    };
    const worker = await startNodeWorker(config, silentLogger);
    resources.add(() => worker.stop());
    const client = resources.client(worker.port, certificates.master);
    const next = async () => {
      await worker.stop();
      return live(root, changes);
    };
    return { worker, client, folder, disks, next };
  }

  const begin = async (changes?: Partial<NodeConfig>) => live(await resources.folder(), changes);

  /** The folder with an OS whose create script is this text. */
  async function searchPath(create: string): Promise<string[]> {
    const folder = await resources.folder();
    await writeOs(folder, 'system', { ...plainOs, create: `#!/bin/sh\n${create}\n` });
    return [folder];
  }

  it('removes what an earlier life was writing when it was killed', async () => {
    const root = await resources.folder();
    const left = ['endpoint', join('guests', 'web.json'), join('journal', 'abc.json')].map((name) =>
      join(root, 'worker', `${name}.0123456789ab.tmp`),
    );
    for (const file of left) {
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, '{');
    }
    await live(root);
    for (const file of left) await assert.rejects(stat(file), { code: 'ENOENT' });
  });

  const bytes = ['read', 'fill', 'copy'];

  it('says who it is and where it listens, and takes that back when it stops', async () => {
    const { worker, client, folder } = await begin();
    assert.deepEqual(resultOf(await client.call('node.hello', {})), {
      name: NODE_NAME,
      version: '1.2.3',
      contract: CONTRACT,
      hypervisors: ['fake'],
      storage: [
        { template: 'diskless', simulated: false, can: [] },
        ...['file', 'sharedfile'].map((template) => ({
          template,
          simulated: false,
          can: [...bytes, 'rename'],
        })),
        ...['blockdev', 'drbd', 'ext', 'gluster', 'plain', 'rbd'].map((template) => ({
          ...{ template, simulated: true, can: bytes },
        })),
      ],
    });
    assert.equal(await readFile(join(folder, 'endpoint'), 'utf8'), `127.0.0.1 ${worker.port}\n`);
    await Promise.all([worker.stop(), worker.stop()]);
    assert.ok(!(await readdir(folder)).includes('endpoint'));
    await assert.rejects(client.call('node.hello', {}));
  });

  it('takes an instance through its life, and tells each change with the answer and in the stream', async () => {
    const { client, disks } = await begin();
    const stream = client.facts();
    const first = (await stream.next()).value;
    assert.deepEqual(first?.guests, []);
    let step = 0;
    const id = () => `job/7/${step++}`;
    const state = (answer: CallAnswer) => {
      resultOf(answer);
      return answer.facts?.guests.map((guest) => guest.state);
    };
    resultOf(await client.call('disk.create', { disk }, id()));
    const [status] = (resultOf(await client.call('disk.status', { disks: [disk] })) as { disks: unknown[] })
      .disks;
    const path = join(disks, 'web', 'disk0');
    assert.deepEqual(status, { path, exists: true, size: 1, active: true, mirror: null });
    const search_path = await searchPath('echo installed >"$DISK_0_PATH"');
    const { definitions } = resultOf(await client.call('os.list', { search_path })) as {
      definitions: unknown[];
    };
    assert.equal(definitions.length, 1);
    const os = { instance: web, search_path, osparams: {}, reinstall: false, debug: 0 };
    resultOf(await client.call('os.create', os, id()));
    assert.match(await readFile(join(disks, 'web', 'disk0'), 'latin1'), /^installed\n/);
    const started = await client.call('instance.start', { instance: web, paused: false }, id());
    assert.deepEqual(state(started), ['running']);
    for await (const { guests, version } of stream) {
      if (guests.length === 0) continue;
      assert.ok(version > (first?.version ?? Number.POSITIVE_INFINITY));
      assert.equal(guests[0]?.name, web.name);
      break;
    }
    for (const kind of ['soft', 'hard'] as const) {
      const answer = await client.call('instance.reboot', { instance: web, kind, timeout: 1 }, id());
      assert.deepEqual(state(answer), ['running']);
    }
    const onRunning = await client.call('os.create', os, id());
    assert.equal(onRunning.error?.code, 'wrong_state');
    const renamed = { ...os, instance: { ...web, name: 'www.example.com' } };
    assert.equal((await client.call('os.create', renamed, id())).error?.code, 'wrong_state');
    const stop = { instance: web, timeout: 1, force: false };
    assert.deepEqual(state(await client.call('instance.stop', stop, id())), []);
    assert.deepEqual(state(await client.call('instance.stop', stop, id())), []);
    resultOf(await client.call('instance.forget', { instance: web }, id()));
    resultOf(await client.call('disk.remove', { disk }, id()));
    assert.deepEqual(await readdir(disks), []);
    const facts = await client.call('node.facts', {});
    assert.deepEqual((resultOf(facts) as { guests: unknown[] }).guests, []);
  });

  it('refuses to run a guest whose disk is missing, or a hypervisor and a disk that it does not know', async () => {
    const { client } = await begin();
    const start = await client.call('instance.start', { instance: web, paused: false }, 'a');
    assert.equal(start.error?.code, 'block_device');
    const chroot = { ...web, disks: [], hypervisor: 'chroot' as const };
    const other = await client.call('instance.start', { instance: chroot, paused: false }, 'b');
    assert.equal(other.error?.code, 'hypervisor');
    assert.match(other.error.message, /it runs: fake/);
    const none = { ...disk, logical_id: ['loop', '/elsewhere/disk0'] };
    const create = await client.call('disk.create', { disk: none }, 'c');
    assert.equal(create.error?.code, 'wrong_input');
    const soft = { instance: web, kind: 'soft' as const, timeout: 1 };
    assert.equal((await client.call('instance.reboot', soft, 'd')).error?.code, 'wrong_state');
  });

  it('misses no bridge where guests are simulated, and waits when it is asked to', async () => {
    const { client } = await begin();
    const bridges = await client.call('network.bridges', { bridges: ['br-none'] });
    assert.deepEqual(resultOf(bridges), { missing: [] });
    const before = performance.now();
    assert.deepEqual(resultOf(await client.call('node.delay', { duration: 0.05 })), {});
    assert.ok(performance.now() - before >= 45);
  });

  it('obeys the fault switches; a repeated step fails the same way, another one goes well', async () => {
    const { client, folder } = await begin();
    await writeFile(join(folder, 'faults.json'), '{"instance.start": {"fail": "no memory", "times": 1}}');
    const start = { instance: { ...web, disks: [] }, paused: false };
    const failure = { code: 'hypervisor', message: 'no memory' };
    assert.deepEqual((await client.call('instance.start', start, 'a')).error, failure);
    assert.deepEqual((await client.call('instance.start', start, 'a')).error, failure);
    const good = await client.call('instance.start', start, 'b');
    assert.equal(good.facts?.guests[0]?.state, 'running');
  });

  it('leaves guests alone when it stops, and a new life tells of them under another epoch', async () => {
    const first = await begin();
    const start = { instance: { ...web, disks: [] }, paused: false };
    const { facts } = await first.client.call('instance.start', start, 'a');
    const second = await first.next();
    const { value } = await second.client.facts().next();
    assert.deepEqual(value?.guests, facts?.guests);
    assert.notEqual(value?.epoch, facts?.epoch);
  });

  it('answers a step that was done in an earlier life without doing it again', async () => {
    const first = await begin();
    const start = { instance: { ...web, disks: [] }, paused: false };
    const stop = { instance: start.instance, timeout: 1, force: true };
    resultOf(await first.client.call('instance.start', start, 'start'));
    resultOf(await first.client.call('instance.stop', stop, 'stop'));
    const second = await first.next();
    const repeated = await second.client.call('instance.start', start, 'start');
    assert.deepEqual(resultOf(repeated), {});
    assert.deepEqual(repeated.facts?.guests, []);
  });

  it('comes to the same end when it died between a deed and its record', async () => {
    const search_path = await searchPath('echo run >>"$DISK_0_PATH.runs"; echo installed >"$DISK_0_PATH"');
    const create = { disk, instance_name: web.name };
    const steps = [
      ['disk.create', create],
      ['os.create', { instance: web, search_path, osparams: {}, reinstall: false, debug: 0 }],
      ['instance.start', { instance: web, paused: false }],
      ['instance.reboot', { instance: web, kind: 'hard', timeout: 1 }],
      ['instance.stop', { instance: web, timeout: 1, force: false }],
      ['instance.forget', { instance: web }],
      ['disk.remove', { disk }],
    ] as const;
    let life = await begin();
    /** What the node holds, as far as anyone can see. */
    const seen = async () => {
      const { result } = await life.client.call('node.facts', {});
      const file = join(life.disks, 'web', 'disk0');
      const content = await readFile(file, 'latin1').catch(() => 'none');
      return { guests: (result as { guests: unknown[] }).guests, content };
    };
    for (const [name, params] of steps) {
      resultOf(await life.client.call(name, params as never, name));
      const once = await seen();
      const journal = join(life.folder, 'journal');
      assert.equal((await readdir(journal)).length, 1);
      life = await life.next();
      // The record is lost, as if the worker had died just before it was written.
      await rm(journal, { recursive: true });
      await mkdir(journal);
      const again = await life.client.call(name, params as never, name);
      assert.deepEqual(resultOf(again), {}, name);
      assert.deepEqual(await seen(), once, name);
      await rm(journal, { recursive: true });
      await mkdir(journal);
    }
    const runs = await readFile(join(life.disks, 'web', 'disk0.runs'), 'utf8');
    assert.equal(runs, 'run\nrun\n');
  });

  it('stores nothing of a call that it cuts off by stopping, and ends the script', async () => {
    const first = await begin();
    resultOf(await first.client.call('disk.create', { disk }, 'disk'));
    const search_path = await searchPath(
      'if mkdir started; then echo $$ >pid; sleep 600; fi; echo second >"$DISK_0_PATH"',
    );
    const os = { instance: web, search_path, osparams: {}, reinstall: false, debug: 0 };
    const cutOff = assert.rejects(first.client.call('os.create', os, 'os'));
    const pidFile = join(search_path[0] as string, 'system', 'pid');
    while (!(await stat(pidFile).catch(() => null))?.size)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await first.next();
    await cutOff;
    await assert.rejects(stat(`/proc/${(await readFile(pidFile, 'utf8')).trim()}`));
    resultOf(await second.client.call('os.create', os, 'os'));
    assert.match(await readFile(join(second.disks, 'web', 'disk0'), 'latin1'), /^second\n/);
  });

  it('shares its folder with no other worker, and lets go of everything when it cannot start', async () => {
    const root = await resources.folder();
    const first = await live(root);
    await assert.rejects(live(root), { code: 'wrong_state' });
    assert.deepEqual(resultOf(await first.client.call('network.bridges', { bridges: [] })), { missing: [] });
    const busy = { listen: { host: '127.0.0.1', port: first.worker.port } };
    const otherRoot = await resources.folder();
    await mkdir(join(otherRoot, 'worker'));
    await writeFile(join(otherRoot, 'worker', 'endpoint'), '127.0.0.1 1\n'); // of a life that was killed
    await assert.rejects(live(otherRoot, busy), { code: 'environment_error' });
    assert.deepEqual(await readdir(join(otherRoot, 'worker', 'lock')), []);
    assert.ok(!(await readdir(join(otherRoot, 'worker'))).includes('endpoint'));
    await assert.rejects(live(otherRoot, { hypervisors: ['lxc'] }), { code: 'wrong_input', message: /lxc/ });
    await live(otherRoot);
  });

  it('runs beside others in one process, each with disks and guests of its own', async () => {
    const [one, two] = [await begin(), await begin()];
    resultOf(await one.client.call('disk.create', { disk }, 'same-id'));
    const { facts } = await one.client.call('instance.start', { instance: web, paused: false }, 'start');
    assert.equal(facts?.guests.length, 1);
    assert.deepEqual((await two.client.facts().next()).value?.guests, []);
    const status = await two.client.call('disk.status', { disks: [disk] });
    assert.equal((resultOf(status) as { disks: { exists: boolean }[] }).disks[0]?.exists, false);
  });
});
