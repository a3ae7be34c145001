import assert from 'node:assert/strict';
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { MerapiError } from '../../../lib/base/errors.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

const [node1, node2] = ['node1.example.com', 'node2.example.com'];
const MIB = 1024 * 1024;

describe('moving an instance with its disks', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: ['file', 'plain', 'drbd', 'diskless'] });
  });
  after(() => f.close());

  const move = (target_node: string, over: Record<string, unknown> = {}): OpInput => ({
    ...{ OP_ID: 'OP_INSTANCE_MOVE', instance_name, target_node },
    ...over,
  });
  /** Where the data of the instance's first disk is on a node. */
  const fileOn = (node: string) => {
    const [disk] = f.cluster.store.view.disksOf(f.instance);
    const path = String(disk?.logical_id[1]);
    const { cluster } = f.cluster.store.view;
    return disk?.dev_type === 'plain'
      ? join(f.cluster.folder(node), 'volumes', 'plain', ...disk.logical_id.map(String))
      : path.replace(cluster.file_storage_dir, join(f.cluster.folder(node), 'file-storage'));
  };
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  const primary = () => f.cluster.store.view.nodes.get(f.instance.primary_node)?.name;

  for (const [disk_template, compress] of [
    ['file', 'none'],
    ['file', 'gzip-fast'],
    ['plain', 'gzip'],
  ])
    it(`copies the data of ${disk_template} disks (${compress}), and takes it off the old node`, async () => {
      await f.cluster.done(create({ disk_template, disks: [{ size: 4 }], start: true }));
      const data = Buffer.alloc(4 * MIB);
      data.write('the beginning', 0);
      data.write('the middle', 2 * MIB - 5);
      data.write('the end', 3 * MIB - 7);
      const old = fileOn(node1);
      await writeFile(old, data);
      const job = await f.cluster.done(move('node2', { compress }));
      assert.equal(job.ops[0]?.resolved.target_node, node2);
      assert.deepEqual([primary(), await isThere(old)], [node2, false]);
      assert.ok(data.equals(await readFile(fileOn(node2))));
      assert.ok((await stat(fileOn(node2))).blocks * 512 < 2 * MIB, 'zeros take no space');
      const { runtime } = f.cluster;
      assert.equal(runtime.guest(f.instance.primary_node, f.instance)?.state, 'running');
      await f.cluster.done(move('node1'));
      assert.ok(data.equals(await readFile(old)));
      await f.remove();
    });

  it('leaves an instance that does not run as it is', async () => {
    await f.cluster.done(create(), move('node2'));
    assert.equal(f.cluster.runtime.guest(f.instance.primary_node, f.instance), undefined);
    assert.equal(primary(), node2);
    await f.remove();
  });

  it('leaves everything as it was when the data does not come whole', async () => {
    await f.cluster.done(create({ start: true }));
    const old = fileOn(node1);
    f.cluster.gate.call = async (name, make) => {
      const answer = await make();
      if (name === 'disk.offer') await writeFile(old, 'short'); // it shrinks under our hands
      return answer;
    };
    const job = await f.cluster.run(move('node2'));
    f.cluster.gate.call = undefined;
    assert.equal(job.ops[0]?.failure?.code, 'block_device');
    assert.match(job.ops[0]?.failure?.message ?? '', /^Disk .* was sent 5 bytes/);
    assert.deepEqual([primary(), await isThere(fileOn(node2))], [node1, false]);
    assert.equal(f.cluster.runtime.guest(f.instance.primary_node, f.instance)?.state, 'running');
    await f.remove();
  });

  it('has moved also when the old node keeps what it should remove', async () => {
    await f.cluster.done(create());
    f.cluster.gate.call = async (name, make) => {
      if (name === 'disk.remove') throw new MerapiError('block_device', 'it is busy');
      return make();
    };
    const job = await f.cluster.done(move('node2'));
    f.cluster.gate.call = undefined;
    const texts = job.ops[0]?.log.map(({ text }) => text) ?? [];
    assert.ok(
      texts.includes(
        'Not done yet: old/0/remove: it is busy; it is now a duty, which is tried again when node1.example.com answers',
      ),
      texts.join('\n'),
    );
    await f.cluster.done(move('node1'));
    await f.remove();
  });

  it('is refused where it cannot be', async () => {
    await f.refuses(move('node2', { instance_name: 'nosuch' }), 'not_found', /nosuch/);
    await f.cluster.done(create());
    await f.refuses(move('node1'), 'wrong_state', /is on node node1\.example\.com already/);
    await f.refuses(move('nosuch'), 'not_found', /nosuch/);
    await f.refuses(move('node2', { compress: 'lzop' }), 'wrong_input', /none, gzip, gzip-fast, gzip-slow/);
    await f.withNode(node2, { drained: true }, () => f.refuses(move('node2'), 'wrong_state', /is drained/));
    await f.withNode(node1, { offline: true }, () => f.refuses(move('node2'), 'wrong_state', /offline/));
    await f.remove();
    await f.cluster.done(create({ disk_template: 'diskless', disks: [] }));
    await f.refuses(move('node2'), 'wrong_state', /'diskless' are not copied/);
    await f.remove();
  });
});
