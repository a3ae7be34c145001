import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { findByPidFile } from '../../lib/node/hypervisors/kvm/process.ts';
import { TestCluster } from '../helpers/cluster.ts';

const instance_name = 'web.example.com';
const QEMU = '/usr/bin/qemu-system-x86_64';

const create = (over: object = {}) => ({
  OP_ID: 'OP_INSTANCE_CREATE',
  instance_name,
  mode: 'create',
  disk_template: 'diskless',
  disks: [],
  nics: [],
  no_install: true,
  beparams: { memory: 16 },
  ...over,
});

/** Values that no QEMU can take, whatever is on a node. */
const wrongForms: [string, unknown][] = [
  ['disk_type', 'foo'],
  ['boot_order', 'cd'],
  ['nic_type', 'token-ring'],
  ['vga', 'hercules'],
  ['keymap', '../de'],
  ['usb_mouse', 'cat'],
  ['cdrom_image_path', 'image.iso'],
  ['machine_version', 'pc -drive'],
  ['migration_port', 70_000],
];
/** Parameters of the cluster alone. */
const clusterOnly = ['migration_port'];

/** Values that this machine cannot take, with what is told. */
const impossible: [Record<string, unknown>, RegExp][] = [
  [{ cdrom_image_path: '/no/image.iso' }, /cdrom_image_path \/no\/image\.iso/],
  [{ kernel_path: '/no/kernel' }, /kernel_path \/no\/kernel/],
  [{ machine_version: 'pdp11' }, /pdp11|unsupported machine type/],
  [{ cpu_type: 'abacus' }, /abacus/],
  [{ boot_order: 'cdrom' }, /no cdrom_image_path/],
];

describe('hypervisor parameters that QEMU cannot take', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['host'], [], {
      enabled_hypervisors: ['kvm'],
      hvparams: { kvm: { kvm_path: QEMU, kernel_path: '', machine_version: 'pc,accel=tcg' } },
    });
  });
  after(async () => {
    await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name, timeout: 0, force: true });
    await cluster.close();
  });

  /** Asserts that an opcode is refused as Ganeti refuses such values, and changes nothing. */
  async function refuses(op: { OP_ID: string }, message: RegExp): Promise<void> {
    const { view } = cluster.store;
    const { ops } = await cluster.run(op);
    assert.match(ops[0]?.failure?.message ?? 'it is taken', message, JSON.stringify(op));
    assert.equal(ops[0]?.failure?.code, 'hypervisor');
    assert.equal(cluster.store.view, view);
  }

  const guests = () => findByPidFile(join(cluster.folder('host'), 'guests'));
  const status = async () => {
    const { data } = await cluster.manager.query(SYSTEM, 'instance', ['status'], null);
    return data[0]?.[0]?.[1];
  };

  it('are refused at the level of the cluster and of an OS', async () => {
    for (const [name, value] of wrongForms) {
      const message = new RegExp(`^The parameter ${name} cannot be `);
      await refuses(
        { OP_ID: 'OP_CLUSTER_SET_PARAMS', hvparams: { kvm: { [name]: value } } } as never,
        message,
      );
      const os_hvp = { debian: { kvm: { [name]: value } } };
      await refuses({ OP_ID: 'OP_CLUSTER_SET_PARAMS', os_hvp } as never, message);
    }
    const xen = { 'xen-hvm': { boot_order: 'disk' } };
    await refuses({ OP_ID: 'OP_CLUSTER_SET_PARAMS', hvparams: xen } as never, /boot_order cannot be "disk"/);
  });

  it('are refused for a new instance, running or not, which leaves nothing behind', async () => {
    for (const start of [true, false]) {
      for (const [name, value] of wrongForms.filter(([each]) => !clusterOnly.includes(each)))
        await refuses(
          create({ start, hvparams: { [name]: value } }),
          new RegExp(`parameter ${name} cannot be `),
        );
      for (const [hvparams, message] of impossible) await refuses(create({ start, hvparams }), message);
    }
    assert.deepEqual(await readdir(join(cluster.folder('host'), 'guests')), []);
  });

  it('are refused when an instance is changed or started, also for this time alone', async () => {
    await cluster.done(create({ start: false }));
    for (const OP_ID of ['OP_INSTANCE_SET_PARAMS', 'OP_INSTANCE_STARTUP']) {
      for (const [name, value] of wrongForms.filter(([each]) => !clusterOnly.includes(each)))
        await refuses(
          { OP_ID, instance_name, hvparams: { [name]: value } } as never,
          new RegExp(`parameter ${name} cannot be `),
        );
      for (const [hvparams, message] of impossible)
        await refuses({ OP_ID, instance_name, hvparams } as never, message);
    }
    for (const beparams of [{ minmem: 64, maxmem: 32 }, { vcpus: 0 }]) {
      const { ops } = await cluster.run({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name, beparams });
      assert.equal(ops[0]?.failure?.code, 'wrong_input', JSON.stringify(beparams));
    }
    assert.equal((await guests()).size, 0);
    // Who gives force says that the node need not be asked.
    const forced = { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, force: true };
    await cluster.done({ ...forced, hvparams: { kernel_path: '/boot/later' } });
    await cluster.done({ ...forced, hvparams: { kernel_path: 'default' } });
  });

  it('keep a guest from being stopped by a reboot that could not start it again', async () => {
    const image = join(cluster.dir, 'install.iso');
    await writeFile(image, Buffer.alloc(64 * 1024));
    const set = { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name };
    await cluster.done({ ...set, hvparams: { cdrom_image_path: image, boot_order: 'cdrom' } });
    await cluster.done({ OP_ID: 'OP_INSTANCE_STARTUP', instance_name });
    const before = await guests();
    assert.equal(before.size, 1);
    await rm(image);
    for (const reboot_type of ['hard', 'full'])
      await refuses(
        { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type, shutdown_timeout: 0 } as never,
        /cdrom_image_path .*install\.iso/,
      );
    assert.deepEqual(await guests(), before, 'the same process runs');
    assert.equal(await status(), 'running');
    await cluster.done({ ...set, hvparams: { cdrom_image_path: 'default', boot_order: 'default' } });
    const reboot = { OP_ID: 'OP_INSTANCE_REBOOT', instance_name, reboot_type: 'hard', shutdown_timeout: 0 };
    await cluster.done(reboot);
    assert.equal(await status(), 'running');
  });
});
