import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { OpInput } from '../../../lib/model/job.ts';
import { MirrorId } from '../../../lib/model/mirror.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

const [node1, node2, node3] = ['node1.example.com', 'node2.example.com', 'node3.example.com'];
const MIB = 1024 * 1024;

describe('the disks of an instance', () => {
  let fixture: InstanceFixture;
  before(async () => {
    fixture = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] }, [node3]);
  });
  after(() => fixture.close());

  const op = (name: string, over: object = {}): OpInput => ({
    ...{ OP_ID: `OP_INSTANCE_${name}`, instance_name },
    ...over,
  });
  const done = (name: string, over: object = {}) => fixture.cluster.done(op(name, over));
  const refused = (name: string, over: object, code: string, message: RegExp) =>
    fixture.refuses(op(name, over), code, message);
  const nodeUuid = (name: string) => fixture.cluster.store.view.nodes.named(name)?.uuid;

  /** The real path of a disk on a node. */
  function fileOf(node: string, index = 0): string {
    const { cluster } = fixture;
    const disk = cluster.store.view.disksOf(fixture.instance)[index];
    assert.ok(disk);
    if (disk.dev_type === 'drbd') return join(cluster.dir, 'volumes', 'drbd', disk.uuid, `${node}.json`);
    const path = String(disk.logical_id[1]);
    return path.replace(join(cluster.dir, 'file-storage'), join(cluster.folder(node), 'file-storage'));
  }

  /** The sizes that are recorded. */
  const sizes = () => fixture.cluster.store.view.disksOf(fixture.instance).map((disk) => disk.size);

  /** The disks' ids as mirrors, their secrets left out. */
  const mirrors = () =>
    fixture.cluster.store.view
      .disksOf(fixture.instance)
      .map((disk) => MirrorId.parse(disk.logical_id).slice(0, 5));

  it('grow by an amount or to a size, with their data', async () => {
    await fixture.cluster.done(create());
    const { serial_no } = fixture.instance;
    await done('GROW_DISK', { disk: 0, amount: 2 });
    assert.deepEqual([sizes(), (await stat(fileOf(node1))).size], [[6], 6 * MIB]);
    await done('GROW_DISK', { disk: 0, amount: '1G' });
    assert.deepEqual([sizes(), (await stat(fileOf(node1))).size], [[1030], 1030 * MIB]);
    await done('GROW_DISK', { disk: 0, amount: 1033, absolute: true });
    assert.deepEqual(sizes(), [1033], 'only sizes of new disks are rounded');
    assert.equal(fixture.instance.serial_no, serial_no + 3);
    await done('GROW_DISK', { disk: 0, amount: 1033, absolute: true });
    assert.equal(fixture.instance.serial_no, serial_no + 3, 'nothing to do');
    await refused('GROW_DISK', { disk: 1, amount: 1 }, 'wrong_input', /no disk 1; it has 0 to 0/);
    await refused(
      'GROW_DISK',
      { disk: 0, amount: 5, absolute: true },
      'wrong_state',
      /1033 MiB, more than 5/,
    );
    const much = { disk: 0, amount: 1 << 25 };
    await refused('GROW_DISK', much, 'wrong_input', /disk-size\/0 is .*at most 16777216 is allowed/);
    await fixture.remove();
  });

  it('grow on both nodes where they are mirrored, also while the instance runs', async () => {
    await fixture.cluster.done(create({ disk_template: 'drbd', snode: node2, start: true }));
    await done('GROW_DISK', { disk: 0, amount: 7 });
    assert.deepEqual(sizes(), [11]);
    await done('SHUTDOWN');
    await done('ACTIVATE_DISKS', { wait_for_sync: true });
    await fixture.withNode(node2, { offline: true }, () =>
      refused('GROW_DISK', { disk: 0, amount: 1 }, 'wrong_state', /node2.*offline/),
    );
    await fixture.remove();
  });

  it('are activated and deactivated while the instance is down', async () => {
    await fixture.cluster.done(
      create({ disk_template: 'drbd', snode: node2, disks: [{ size: 1 }, { size: 2 }] }),
    );
    const job = await done('ACTIVATE_DISKS');
    const [result] = job.ops.map((each) => each.result) as [[string, string, string][]];
    assert.deepEqual(
      result.map(([node, name, path]) => [node, name, path.startsWith('/')]),
      [
        [node1, 'disk/0', true],
        [node1, 'disk/1', true],
      ],
    );
    assert.equal(fixture.instance.disks_active, true);
    await done('DEACTIVATE_DISKS');
    assert.equal(fixture.instance.disks_active, false);
    await done('STARTUP');
    await refused('DEACTIVATE_DISKS', {}, 'wrong_state', /runs and uses its disks/);
    await done('SHUTDOWN', { no_remember: true }); // it is down and may be started at any moment
    await refused('DEACTIVATE_DISKS', {}, 'wrong_state', /is up, not down/);
    await done('DEACTIVATE_DISKS', { force: true });
    await done('SHUTDOWN');
    await done('SET_PARAMS', { offline: true });
    await refused('DEACTIVATE_DISKS', {}, 'wrong_state', /is offline, not down/);
    await done('SET_PARAMS', { offline: false });
    await done('DEACTIVATE_DISKS');
    await fixture.remove();
  });

  it('cannot be activated when they are lost or too small', async () => {
    await fixture.cluster.done(create({ disks: [{ size: 4 }] }));
    await rm(fileOf(node1));
    await refused('ACTIVATE_DISKS', {}, 'execution', /does not exist on node1.*recreate-disks/);
    await fixture.remove();
  });

  it('are made again when they are lost, and only then', async () => {
    await fixture.cluster.done(create({ disks: [{ size: 4 }, { size: 8 }] }));
    await refused('RECREATE_DISKS', {}, 'execution', /only lost disks/);
    await rm(fileOf(node1, 1));
    const job = await done('RECREATE_DISKS', { disks: [[1, { size: '10M', mode: 'ro' }]] });
    assert.deepEqual(job.ops[0]?.resolved.disks, [[1, { size: 12, mode: 'ro' }]]);
    assert.deepEqual([sizes(), (await stat(fileOf(node1, 1))).size], [[4, 12], 12 * MIB]);
    await refused('RECREATE_DISKS', { disks: [2] }, 'wrong_input', /no disk 2/);
    await refused('RECREATE_DISKS', { disks: [0, 0] }, 'wrong_input', /disk 0 is named twice/i);
    await refused('RECREATE_DISKS', { disks: [[0, { name: 'x' }]] }, 'wrong_input', /name cannot be changed/);
    await refused('RECREATE_DISKS', { disks: [0], nodes: [node2] }, 'wrong_input', /Only all disks together/);
    await refused('RECREATE_DISKS', { nodes: [node2, node3] }, 'wrong_input', /need 1 node; 2 are given/);
    await fixture.withNode(node1, { offline: true }, () => done('RECREATE_DISKS', { nodes: [node2] }));
    assert.equal(fixture.instance.primary_node, nodeUuid(node2));
    assert.deepEqual(sizes(), [4, 12]);
    await done('STARTUP');
    await refused('RECREATE_DISKS', {}, 'wrong_state', /not down/);
    await fixture.remove();
    await rm(join(fixture.cluster.folder(node1), 'file-storage'), { recursive: true });
  });

  it('are made again on other nodes that the allocator chooses', async () => {
    await fixture.cluster.done(create({ disk_template: 'drbd', snode: node2 }));
    await fixture.withNode(node1, { offline: true }, async () => {
      const message = /exists on node2.*only lost disks/;
      await refused('RECREATE_DISKS', { iallocator: 'hail' }, 'execution', message);
      await rm(fileOf(node2));
      await done('RECREATE_DISKS', { iallocator: 'hail' });
    });
    const nodes = mirrors()[0]?.slice(0, 2) ?? [];
    assert.deepEqual([...nodes].sort(), [nodeUuid(node2), nodeUuid(node3)].sort());
    assert.equal(fixture.instance.primary_node, nodes[0]);
    await fixture.remove();
    await rm(join(fixture.cluster.dir, 'volumes', 'drbd'), { recursive: true });
  });

  it('that are mirrored get a new secondary node, as asked or as the allocator chooses', async () => {
    await fixture.cluster.done(create({ disk_template: 'drbd', snode: node2, start: true }));
    const mode = 'replace_new_secondary';
    const job = await done('REPLACE_DISKS', { mode, remote_node: 'node3' });
    assert.deepEqual(mirrors(), [[nodeUuid(node1), nodeUuid(node3), 11000, 0, 0]]);
    assert.equal(job.ops[0]?.resolved.remote_node_uuid, nodeUuid(node3));
    await assert.rejects(stat(fileOf(node2)), 'the old side is gone');
    await done('REPLACE_DISKS', { mode, iallocator: 'hail' });
    assert.deepEqual(mirrors(), [[nodeUuid(node1), nodeUuid(node2), 11000, 0, 0]]);
    await fixture.withNode(node2, { offline: true }, () =>
      done('REPLACE_DISKS', { mode, early_release: true }),
    );
    assert.deepEqual(mirrors(), [[nodeUuid(node1), nodeUuid(node3), 11000, 0, 0]]);
    await refused('REPLACE_DISKS', { mode, remote_node: node1 }, 'wrong_input', /is the primary node/);
    await refused('REPLACE_DISKS', { mode, remote_node: node3 }, 'wrong_input', /is the secondary node/);
    await refused('REPLACE_DISKS', { mode, disks: [0] }, 'wrong_input', /leave disks out/);
    const both = { mode, remote_node: node2, iallocator: 'hail' };
    await refused('REPLACE_DISKS', both, 'wrong_input', /either remote_node or iallocator/);
    await assert.rejects(stat(fileOf(node2)), 'the side that could not be reached is gone');
    await done('SHUTDOWN');
    await fixture.remove();
  });

  it('that are mirrored have one side made again, on the side that is asked for or broken', async () => {
    await fixture.cluster.done(
      create({ disk_template: 'drbd', snode: node2, disks: [{ size: 1 }, { size: 1 }] }),
    );
    await done('ACTIVATE_DISKS', { wait_for_sync: true });
    const before = mirrors();
    for (const mode of ['replace_on_primary', 'replace_on_secondary']) {
      await done('REPLACE_DISKS', { mode, disks: [1] });
      assert.deepEqual(mirrors(), before);
    }
    const { serial_no } = fixture.instance;
    await done('REPLACE_DISKS', { mode: 'replace_auto' });
    assert.equal(fixture.instance.serial_no, serial_no, 'there was nothing to replace');
    await rm(fileOf(node1));
    await done('REPLACE_DISKS', { mode: 'replace_auto' });
    await stat(fileOf(node1));
    await rm(fileOf(node1));
    await rm(fileOf(node2, 1));
    await refused('REPLACE_DISKS', { mode: 'replace_auto' }, 'wrong_state', /both of its nodes/);
    await refused(
      'REPLACE_DISKS',
      { mode: 'replace_on_secondary' },
      'execution',
      /does not have the current data/,
    );
    const wrong = { mode: 'replace_on_primary', remote_node: node3 };
    await refused('REPLACE_DISKS', wrong, 'wrong_input', /belong to the mode replace_new_secondary/);
    await fixture.remove();
    await rm(join(fixture.cluster.dir, 'volumes', 'drbd'), { recursive: true, force: true });
  });

  it('that are not mirrored cannot be replaced', async () => {
    await fixture.cluster.done(create());
    await refused('REPLACE_DISKS', { mode: 'replace_auto' }, 'internal_error', /Only mirrored disks/);
    await fixture.remove();
  });
});
