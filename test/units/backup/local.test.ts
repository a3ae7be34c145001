import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { parseIni } from '../../../lib/base/ini.ts';
import type { TestCluster } from '../../helpers/cluster.ts';
import { BackupFixture, create, exportTo, instance_name } from './fixture.ts';

const importing = (over: Record<string, unknown> = {}) => ({
  OP_ID: 'OP_INSTANCE_CREATE',
  ...{ instance_name, mode: 'import', disks: [], nics: [], pnode: 'node1', start: false },
  ...over,
});

describe('exports to a node', () => {
  let f: BackupFixture;
  let cluster: TestCluster;
  before(async () => {
    f = await BackupFixture.make(['node1', 'node2', 'node3']);
    cluster = f.cluster;
  });
  after(() => f.close());

  const folder = (node: string) => join(cluster.folder(node), 'export');
  const exportsNow = async () =>
    (await cluster.manager.query(SYSTEM, 'export', ['node', 'export'], null)).data.map((row) =>
      row.map(([status, value]) => (status === 0 ? value : status)),
    );
  const filesOf = async (node: string) => (await readdir(folder(node), { recursive: true })).sort();
  const isRunning = () => cluster.runtime.guest(f.instance().primary_node, f.instance())?.state === 'running';
  const discard = () => cluster.done({ OP_ID: 'OP_BACKUP_REMOVE', instance_name });

  it('come back as they were, after the instance is gone, on another node', async () => {
    assert.deepEqual(
      await exportsNow(),
      [
        ['node1', 2],
        ['node2', 2],
        ['node3', 2],
      ],
      'no node has a folder yet',
    );
    const tags = ['one', 'two'];
    const data = await f.filled({ beparams: { maxmem: 256, minmem: 128 }, hvparams: {}, tags });
    const old = f.instance();
    const { result, log, resolved } = await f.op(
      exportTo('node2', { compress: 'gzip', remove_instance: true }),
    );
    assert.deepEqual(result, [true, [true, true]]);
    assert.equal(resolved.target_node, 'node2');
    assert.ok(log.some(({ text }) => text === `Disk 1 is exported: ${8 << 20} bytes`));
    assert.deepEqual(await f.notes('exported'), [`0 ${instance_name}`, `1 ${instance_name}`]);
    assert.equal(cluster.store.view.instances.named(instance_name), undefined);
    assert.deepEqual(await exportsNow(), [
      ['node1', 2],
      ['node2', instance_name],
      ['node3', 2],
    ]);
    const files = old.disks.map((uuid, index) => `${uuid}.disk${index}.snap`);
    assert.deepEqual(
      await filesOf('node2'),
      [instance_name, ...['config.ini', ...files].map((file) => `${instance_name}/${file}`)].sort(),
    );
    for (const [index, file] of files.entries()) {
      const path = join(folder('node2'), instance_name, file);
      assert.ok((await readFile(path)).equals(data[index] as Buffer));
      assert.ok((await stat(path)).blocks * 512 < 2 << 20, 'zeros take no space');
    }
    const made = await f.op(importing({ pnode: 'node3', start: true }));
    assert.deepEqual([made.resolved.src_node, made.resolved.os_type], ['node2', 'copy']);
    assert.deepEqual(await f.notes('imported'), [`0 ${instance_name}`, `1 ${instance_name}`]);
    assert.deepEqual(await f.notes('renamed'), [`${instance_name} ${instance_name}`]);
    const now = f.instance();
    for (const name of ['hypervisor', 'disk_template', 'os', 'tags', 'osparams'] as const)
      assert.deepEqual(now[name], old[name]);
    assert.deepEqual([now.beparams.maxmem, now.beparams.minmem], [256, 128]);
    assert.deepEqual([now.nics[0]?.mac, now.nics[0]?.ip], [old.nics[0]?.mac, '192.0.2.7']);
    assert.deepEqual(
      cluster.store.view.disksOf(now).map(({ name, size }) => [name, size]),
      [
        [null, 4],
        ['data', 8],
      ],
    );
    for (const [index, bytes] of (await f.data()).entries()) assert.ok(bytes.equals(data[index] as Buffer));
    assert.ok(isRunning());
    await f.remove();
    await discard();
    assert.deepEqual(
      await exportsNow(),
      [
        ['node1', 2],
        ['node3', 2],
      ],
      'node2 has a folder and nothing in it',
    );
  });

  it("say what Ganeti's exports say", async () => {
    await f.filled({ start: false });
    await f.op(exportTo('node1'));
    const config = parseIni(await readFile(join(folder('node1'), instance_name, 'config.ini'), 'utf8'));
    const { export: head, instance, backend } = config;
    assert.deepEqual(
      [head?.version, head?.source, head?.os, head?.compression],
      ['0', 'node1', 'copy', 'none'],
    );
    const [first] = f.instance().disks;
    assert.equal(instance?.disk0_dump, `${first}.disk0.snap`);
    assert.deepEqual(
      [
        'name',
        'disk_count',
        'nic_count',
        'disk0_ivname',
        'disk0_name',
        'disk1_size',
        'nic0_mode',
        'hypervisor',
      ].map((name) => instance?.[name]),
      [instance_name, '2', '1', 'disk/0', 'None', '8', 'bridged', 'fake'],
    );
    assert.equal(instance?.nic0_mac, f.instance().nics[0]?.mac);
    assert.equal(backend?.auto_balance, 'True');
    assert.ok(config.hypervisor && config.os);
    await discard();
    await f.remove();
  });

  it('shut the instance down for as long as its disks are copied, and leave nothing behind', async () => {
    const data = await f.filled();
    const calls: string[] = [];
    cluster.gate.call = async (name, make) => {
      calls.push(name);
      return make();
    };
    const order = () =>
      calls.splice(0).filter((name) => /^(instance|disk|backup)\.(st|snapshot|fetch|rem|fin)/.test(name));
    const copied = ['disk.snapshot', 'disk.snapshot'];
    const fetched = ['backup.fetch', 'backup.fetch'];
    const removed = ['disk.remove', 'disk.remove'];
    await f.op(exportTo('node2'));
    assert.deepEqual(order(), [
      'instance.stop',
      ...copied,
      'instance.start',
      ...fetched,
      ...removed,
      'backup.finish',
    ]);
    await f.op(exportTo('node2', { long_sleep: true }));
    assert.deepEqual(order(), ['instance.stop', ...fetched, 'instance.start', 'backup.finish']);
    const { log } = await f.op(exportTo('node3', { shutdown: false }));
    assert.deepEqual(order(), [...copied, ...fetched, ...removed, 'backup.finish', 'backup.remove']);
    cluster.gate.call = undefined;
    assert.match(log[0]?.text ?? '', /as if its power had failed/);
    assert.ok(isRunning());
    assert.deepEqual(await exportsNow(), [['node3', instance_name]], 'the older one is gone');
    assert.equal((await readdir(join(cluster.folder('node1'), 'file-storage', instance_name))).length, 2);
    for (const [index, bytes] of (await f.data()).entries()) assert.ok(bytes.equals(data[index] as Buffer));
    await discard();
    await f.remove();
  });

  it('work for every template, and for instances without disks or without an OS', async () => {
    const cases = [
      { disk_template: 'plain' },
      { disk_template: 'drbd', snode: 'node2', disks: [{ size: 2 }] },
      { disk_template: 'diskless', disks: [] },
      { os_type: null, no_install: true },
    ];
    for (const over of cases) {
      const isMirrored = over.disk_template === 'drbd';
      const data = isMirrored ? [] : await f.filled(over);
      if (isMirrored) await cluster.done(create(over));
      await f.op(exportTo('node3', { remove_instance: true }));
      await f.op(importing({ pnode: 'node2', ...(isMirrored ? { snode: 'node1' } : {}) }));
      if (!isMirrored)
        for (const [index, bytes] of (await f.data()).entries())
          assert.ok(bytes.equals(data[index] as Buffer));
      await f.remove();
      await discard();
    }
  });

  it('can be imported under another name, onto bigger disks, with other parameters', async () => {
    const data = await f.filled();
    await f.op(exportTo('node2'));
    const name = 'copy.example.com';
    await f.notes('renamed');
    const over = {
      disks: [{ size: 5 }, { size: '9' }],
      nics: [{}],
      beparams: { vcpus: 3 },
      compress: 'gzip-fast',
    };
    await f.op(importing({ instance_name: name, src_path: instance_name, src_node: 'node2', ...over }));
    assert.deepEqual(await f.notes('renamed'), [`${instance_name} ${name}`]);
    assert.equal(f.instance(name).beparams.vcpus, 3);
    for (const [index, bytes] of (await f.data(name)).entries())
      assert.ok(bytes.subarray(0, data[index]?.length).equals(data[index] as Buffer));
    await f.remove(name);
    await f.remove();
    await discard();
  });

  it('that a real Ganeti made can be imported; networks that are not known here must be replaced', async () => {
    const name = 'inst9.example.com';
    const place = join(folder('node3'), name);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'config.ini'), await readFile(new URL('ganeti.ini', import.meta.url)));
    const dumps = [randomBytes(16 << 20), randomBytes(4 << 20)];
    const files = ['92c3e350-5dca-4fbd-859c-8489cbec1a1b', '55e28e73-150b-4647-8f19-c8b9c295a139'];
    for (const [index, file] of files.entries()) await writeFile(join(place, file), dumps[index] as Buffer);
    const request = importing({ instance_name: name, os_type: 'copy', disk_template: 'file' });
    await f.fails(request, 'not_found', /no network '262a8738/);
    await f.op({ ...request, nics: [{}, {}, {}] });
    const { view } = cluster.store;
    const { beparams, nics, tags, disks } = f.instance(name);
    assert.deepEqual(
      [beparams.maxmem, beparams.minmem, beparams.vcpus, [...tags].sort()],
      [64, 32, 1, ['t1', 't2']],
    );
    assert.deepEqual(nics.map(({ mac }) => mac)[1], 'aa:00:00:11:22:33');
    assert.deepEqual(
      view.disksOf(f.instance(name)).map((disk) => [disk.size, disk.name]),
      [
        [16, 'd0'],
        [4, null],
      ],
    );
    assert.equal(disks.length, 2);
    for (const [index, bytes] of (await f.data(name)).entries())
      assert.ok(bytes.equals(dumps[index] as Buffer), `disk ${index}`);
    await f.remove(name);
    await f.op({ OP_ID: 'OP_BACKUP_REMOVE', instance_name: name });
  });

  it('refuse what cannot be, and change nothing', async () => {
    await f.filled();
    await f.fails(exportTo('nosuch'), 'not_found', /no node 'nosuch'/);
    await f.fails(exportTo(['a']), 'wrong_input', /must be the name of a node/);
    await f.fails(exportTo('node2', { compress: 'lzma' }), 'wrong_input', /give one of none, gzip/);
    await f.fails(exportTo('node2', { zero_free_space: true }), 'wrong_input', /zero_free_space is not/);
    await f.fails(
      exportTo('node2', { shutdown: false, remove_instance: true }),
      'wrong_input',
      /remove_instance needs shutdown/,
    );
    await f.fails(
      importing({ instance_name: 'new.example.com' }),
      'wrong_input',
      /no export 'new.example.com' on any/,
    );
    await f.fails(importing({ src_node: 'node3' }), 'wrong_input', /on node node3/);
    await f.fails(
      importing({ src_node: 'node3', src_path: '/etc' }),
      'wrong_input',
      /exports of this node are in/,
    );
    await f.op(exportTo('node2'));
    const other = { instance_name: 'new.example.com', src_path: instance_name };
    await f.fails(importing({ ...other, disks: [{ size: 9 }] }), 'wrong_input', /2 disks; 1 are not enough/);
    await f.fails(importing(other), 'resource_not_unique', /MAC address/);
    await f.remove();
    await discard();
    await f.op({ OP_ID: 'OP_BACKUP_REMOVE', instance_name });
  });

  it('that are not as they were exported are not imported, and leave nothing', async () => {
    await f.filled({ start: false });
    await f.op(exportTo('node2', { remove_instance: true }));
    const place = join(folder('node2'), instance_name);
    const text = await readFile(join(place, 'config.ini'), 'utf8');
    const { instance, merapi } = parseIni(text);
    const file = instance?.disk1_dump ?? '';
    const path = join(place, file);
    const whole = await readFile(path);
    const sum = createHash('sha256').update(whole).digest('hex');
    assert.deepEqual([merapi?.disk1_bytes, merapi?.disk1_sha256], [String(8 << 20), sum]);
    const nothingLeft = async () => {
      assert.deepEqual(cluster.store.view.instances.list(), []);
      assert.deepEqual(await readdir(join(cluster.folder('node1'), 'file-storage')), []);
    };
    await writeFile(path, whole.subarray(0, 1 << 20));
    const short = new RegExp(
      `${file} of disk 1 is incomplete: it has ${1 << 20} bytes, and ${8 << 20} were exported; export`,
    );
    await f.fails(importing(), 'environment_error', short);
    await nothingLeft();
    await writeFile(path, Buffer.concat([whole, Buffer.alloc(1)]));
    await f.fails(importing(), 'environment_error', /is incomplete/);
    await rm(path);
    await f.fails(importing(), 'environment_error', /of disk 1 is missing; export/);
    const other = Buffer.from(whole);
    other[4096] = (other[4096] ?? 0) ^ 1;
    await writeFile(path, other);
    for (const compress of ['none', 'gzip']) {
      await f.fails(importing({ compress }), 'execution', /is not what was exported \(its SHA-256 differs/);
      await nothingLeft();
    }
    // An export that says nothing of its files, as those of Ganeti, is taken as it is.
    await writeFile(join(place, 'config.ini'), text.slice(0, text.indexOf('[merapi]')));
    await f.op(importing());
    await f.remove();
    await discard();
  });

  it('that are cut off leave the older export and no half instance', async () => {
    await f.filled();
    await f.op(exportTo('node2'));
    const before = await filesOf('node2');
    await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
    await cluster.done({ OP_ID: 'OP_INSTANCE_REINSTALL', instance_name, os_type: 'bad' });
    await f.fails(exportTo('node2'), 'execution', /export script of OS 'bad' .* exit code 3: no good/);
    assert.deepEqual(await filesOf('node2'), before);
    await f.remove();
    await f.fails(
      importing({ os_type: 'bad' }),
      'execution',
      /import script of OS 'bad' .* exit code 3: no good/,
    );
    assert.deepEqual(cluster.store.view.instances.list(), []);
    assert.deepEqual(await readdir(join(cluster.folder('node1'), 'file-storage')), []);
    await discard();
  });
});
