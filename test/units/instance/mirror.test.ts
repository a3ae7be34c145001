import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { MirrorId } from '../../../lib/model/mirror.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

const mirrored = { disk_template: 'drbd', snode: 'node2.example.com' };

describe('instances with mirrored disks', () => {
  let fixture: InstanceFixture;
  before(async () => {
    fixture = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => fixture.close());

  async function values(resource: string, name: string, fields: string[]): Promise<unknown[]> {
    const { manager } = fixture.cluster;
    const { data } = await manager.query(SYSTEM, resource, fields, ['=', 'name', name]);
    return (data[0] ?? []).map((cell) => cell[1]);
  }

  /** What both nodes tell of the instance's disks: exists, active and the mirror's state of each. */
  async function sides(): Promise<unknown> {
    const job = await fixture.cluster.done({
      OP_ID: 'OP_INSTANCE_QUERY_DATA',
      instances: [instance_name],
    });
    const [result] = job.ops.map((op) => op.result) as [
      Record<string, { disks: Record<string, unknown[]>[] }>,
    ];
    return result[instance_name]?.disks.map(({ pstatus, sstatus }) => [pstatus?.slice(3), sstatus?.slice(3)]);
  }

  it('have two nodes, which fields and results tell', async () => {
    const job = await fixture.cluster.done(create({ ...mirrored, disks: [{ size: 4 }, { size: 8 }] }));
    const [op] = job.ops;
    assert.deepEqual(op?.result, ['node1.example.com', 'node2.example.com']);
    const { view } = fixture.cluster.store;
    const ids = view.disksOf(fixture.instance).map((disk) => MirrorId.parse(disk.logical_id));
    const nodes = ['node1.example.com', 'node2.example.com'].map((name) => view.nodes.named(name)?.uuid);
    assert.deepEqual(
      ids.map(([a, b, port, minorA, minorB]) => [a, b, port, minorA, minorB]),
      [
        [...nodes, 11000, 0, 0],
        [...nodes, 11001, 1, 1],
      ],
    );
    const fields = ['pnode', 'snodes', 'snodes.group', 'disk_usage'];
    assert.deepEqual(await values('instance', instance_name, fields), [
      ...['node1.example.com', ['node2.example.com'], ['default']],
      12 + 2 * 128,
    ]);
    const counts = ['pinst_cnt', 'pinst_list', 'sinst_cnt', 'sinst_list'];
    assert.deepEqual(await values('node', 'node1.example.com', counts), [1, [instance_name], 0, []]);
    assert.deepEqual(await values('node', 'node2.example.com', counts), [0, [], 1, [instance_name]]);
    await fixture.remove();
    assert.deepEqual(await values('node', 'node2.example.com', counts), [0, [], 0, []]);
  });

  it('have their disks active on both nodes while they run, and in sync when that was to be waited for', async () => {
    await fixture.cluster.done(create({ ...mirrored, start: true }));
    const fine = [
      [null, null, false, 1],
      [null, null, false, 1],
    ];
    assert.deepEqual(await sides(), [fine]);
    await fixture.cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
    assert.deepEqual(await sides(), [[undefined, undefined]]);
    await fixture.cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name });
    assert.deepEqual(await sides(), [fine]);
    await fixture.cluster.done({ OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type: 'full' });
    assert.deepEqual(await sides(), [fine]);
    await fixture.remove();
  });

  it('are placed on two nodes by the allocator', async () => {
    const { op, instance } = await fixture.made({ disk_template: 'drbd', pnode: null });
    assert.deepEqual((op.result as string[]).sort(), ['node1.example.com', 'node2.example.com']);
    assert.ok(typeof instance.primary_node === 'string');
  });

  it('never share a port or a number, however many are made at once', async () => {
    const { cluster } = fixture;
    const names = Array.from({ length: 6 }, (_, index) => `web${index}.example.com`);
    const ids = await Promise.all(
      names.map((name, index) => {
        const [pnode, snode] = index % 2 ? ['node1', 'node2'] : ['node2', 'node1'];
        return cluster.manager.submit(SYSTEM, [
          create({ ...mirrored, instance_name: name, pnode, snode, disks: [{ size: 1 }, { size: 1 }] }),
        ]);
      }),
    );
    for (const id of ids) assert.equal((await cluster.ended(id)).status, 'success');
    const { view } = cluster.store;
    for (const node of view.nodes.list()) {
      const places = view.mirrorsOn(node.uuid).map((disk) => MirrorId.parse(disk.logical_id));
      assert.equal(places.length, 12);
      assert.equal(new Set(places.map(([, , port]) => port)).size, 12, 'ports');
      const minors = places.map(([a, , , minorA, minorB]) => (a === node.uuid ? minorA : minorB));
      assert.deepEqual(
        minors.sort((a, b) => a - b),
        [...Array(12).keys()],
      );
      assert.equal(view.secondariesOn(node.uuid).length, 3);
    }
    for (const name of names) await fixture.remove(name);
    assert.equal(cluster.store.view.mirrorsOn(cluster.store.view.nodes.list()[0]?.uuid ?? '').length, 0);
  });

  it('are refused without a second node, or with one that cannot take them', async () => {
    await fixture.refuses(create({ disk_template: 'drbd' }), 'wrong_input', /need a second node/);
    await fixture.refuses(create({ ...mirrored, snode: 'node1' }), 'wrong_input', /another one than node1/);
    await fixture.refuses(create({ ...mirrored, snode: 'node9' }), 'not_found', /node9/);
    for (const patch of [{ offline: true }, { drained: true }, { vm_capable: false }])
      await fixture.withNode('node2.example.com', patch, () =>
        fixture.refuses(create(mirrored), 'wrong_state', /node2/),
      );
  });
});

describe('other simulated templates', () => {
  let fixture: InstanceFixture;
  before(async () => {
    fixture = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => fixture.close());

  it('have logical ids in the form of their template', async () => {
    const wanted: Record<string, [object, RegExp]> = {
      plain: [{ vg: 'fast' }, /^fast\/UUID\.disk0$/],
      rbd: [{ access: 'userspace' }, /^rbd\/UUID\.rbd\.disk0$/],
      ext: [{ provider: 'pvdr', colour: 'red' }, /^pvdr\/UUID\.ext\.disk0$/],
      gluster: [{}, /^loop\/ganeti\/UUID\.UUID$/],
      sharedfile: [{}, /^loop\/.*\/shared-file-storage\/web\.example\.com\/UUID\.file\.disk0$/],
    };
    for (const [disk_template, [more, pattern]] of Object.entries(wanted)) {
      const { disks } = await fixture.made({ disk_template, disks: [{ size: 1, ...more }] });
      const text = disks[0]?.logical_id
        .join('/')
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID');
      assert.match(text ?? '', pattern, disk_template);
    }
  });

  it('take no notice of what only disks of other templates have, and refuse what is not right', async () => {
    for (const disk of [{ access: 'userspace' }, { metavg: 'x', provider: 'y' }]) {
      const { disks } = await fixture.made({ disk_template: 'plain', disks: [{ size: 4, ...disk }] });
      assert.deepEqual(disks[0]?.params, {});
    }
    const refused = (disk_template: string, disk: object, message: RegExp) =>
      fixture.refuses(create({ disk_template, disks: [{ size: 1, ...disk }] }), 'wrong_input', message);
    await refused('rbd', { access: 'any' }, /kernelspace or userspace/);
    await refused('rbd', { adopt: 'x' }, /cannot be adopted/);
    await refused('ext', {}, /needs a provider/);
    await refused('blockdev', {}, /only adopts/);
  });

  it('adopt data that is there and leave it as it is', async () => {
    const adopted = { disk_template: 'plain', disks: [{ adopt: 'old' }] };
    await fixture.refuses(create(adopted), 'wrong_input', /old does not exist on node node1/);
    await fixture.refuses(create({ ...adopted, pnode: null }), 'wrong_input', /give it as pnode/);
    const mixed = create({ ...adopted, disks: [{ adopt: 'old' }, { size: 1 }] });
    await fixture.refuses(mixed, 'wrong_input', /all disks are adopted or none/);
    const file = await fixture.volume('node1.example.com', ['xenvg', 'old'], 3);
    const { op, disks } = await fixture.made(adopted);
    assert.deepEqual([op.result, disks[0]?.size], [['node1.example.com'], 3]);
    assert.equal(await file.exists(), false, 'it was removed with the instance');
  });
});
