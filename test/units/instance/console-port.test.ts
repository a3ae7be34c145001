import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Disk } from '../../../lib/model/disk.ts';
import { hypervisors } from '../../../lib/model/hvparams/index.ts';
import { MirrorId } from '../../../lib/model/mirror.ts';
import { FIRST_PORT, LAST_PORT } from '../../../lib/model/ports.ts';
import type { ClusterView } from '../../../lib/model/view.ts';
import { put, remove } from '../../../lib/store/changes.ts';
import { placeConsole } from '../../../lib/units/instance/console-port.ts';
import { anInstance } from '../../helpers/view.ts';
import { create, InstanceFixture } from './fixture.ts';

describe('the ports of consoles', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: ['file', 'diskless', 'drbd'] });
    // The nodes of tests have no drivers for them; what is not started needs none but for a look at its parameters.
    f.cluster.gate.call = async (name, make) => (name === 'instance.check' ? null : make());
    const { cluster } = f.cluster.store.view;
    const all = { ...cluster, enabled_hypervisors: [...hypervisors] };
    await f.cluster.store.commit({ job: null }, () => [put('cluster', all)]);
  });
  after(() => f.close());

  const made = async (name: string, hypervisor = 'kvm') => {
    await f.cluster.done(
      create({ instance_name: name, hypervisor, disk_template: 'diskless', disks: [], no_install: true }),
    );
    return portOf(name);
  };
  /** Takes an instance out of the cluster, which is all that counts here: no node has it. */
  const gone = (name: string) =>
    f.cluster.store.commit({ job: null }, (view) => [
      remove('instance', view.instances.named(name)?.uuid ?? assert.fail(name)),
    ]);
  const portOf = (name: string) => f.cluster.store.view.instances.named(name)?.network_port;

  it('are given to instances of kvm and xen-hvm when they are made, kept, and free again with them', async () => {
    assert.equal(await made('a.example.com'), FIRST_PORT);
    assert.equal(await made('b.example.com', 'xen-hvm'), FIRST_PORT + 1);
    for (const other of ['fake', 'xen-pvm', 'lxc', 'chroot']) {
      assert.equal(await made('other.example.com', other), null, other);
      await gone('other.example.com');
    }
    assert.equal(await made('c.example.com'), FIRST_PORT + 2);
    await gone('a.example.com');
    await f.cluster.done({
      OP_ID: 'OP_INSTANCE_RENAME',
      instance_name: 'b.example.com',
      new_name: 'd.example.com',
      name_check: false,
      ip_check: false,
    });
    assert.equal(portOf('d.example.com'), FIRST_PORT + 1);
    assert.equal(await made('a.example.com'), FIRST_PORT, 'the lowest free one');
    for (const name of ['a', 'c', 'd']) await gone(`${name}.example.com`);
  });

  it('are never those of mirrored disks, nor the other way round', async () => {
    const mirrored = create({ hypervisor: 'fake', disk_template: 'drbd', snode: 'node2.example.com' });
    const ports = () =>
      f.cluster.store.view.disksOf(f.instance).map((disk: Disk) => MirrorId.parse(disk.logical_id)[2]);
    await f.cluster.done(mirrored);
    assert.deepEqual(ports(), [FIRST_PORT]);
    assert.equal(await made('a.example.com'), FIRST_PORT + 1);
    await f.remove();
    assert.equal(await made('b.example.com'), FIRST_PORT);
    await f.cluster.done(mirrored);
    assert.deepEqual(ports(), [FIRST_PORT + 2]);
    await f.remove();
    for (const name of ['a', 'b']) await gone(`${name}.example.com`);
  });

  it('are told apart when many are made at once', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `m${index}.example.com`);
    await Promise.all(names.map((name) => made(name)));
    assert.equal(new Set(names.map(portOf)).size, names.length);
    for (const name of names) await gone(name);
  });

  it('can be used up, which is an error of the configuration', () => {
    const web = anInstance('web.example.com', { hypervisor: 'kvm' });
    const but = (free: number | null): ClusterView => ({
      ...f.cluster.store.view,
      portUsers: (port) => (port === free ? [] : ['another']),
    });
    assert.equal(placeConsole(but(LAST_PORT), web), LAST_PORT);
    assert.throws(() => placeConsole(but(null), web), { code: 'configuration', message: /11000 to 14999/ });
    // The one that it has stays, unless another has it.
    const has = { ...web, network_port: 12_000 };
    assert.equal(placeConsole(but(12_000), has), 12_000);
    assert.equal(placeConsole(but(13_000), has), 13_000);
  });
});
