import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import { socketsOf } from '../../lib/node/hypervisors/kvm/sockets.ts';
import { AgentClient } from '../helpers/agent.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { demoGuest } from '../helpers/demo.ts';
import { eventually } from '../helpers/program.ts';

const instance_name = 'guest.example.com';
/** A word in a guest's memory file system: gone after a restart. */
const mark = '/run/merapi-mark';

describe('a real guest through jobs', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['host'], [], {
      enabled_hypervisors: ['kvm'],
      os_search_path: [join(await demoGuest(), 'os')],
      hvparams: {
        kvm: { kvm_path: '/usr/bin/qemu-system-x86_64', kernel_path: '', machine_version: 'pc,accel=tcg' },
      },
    });
  });
  after(() => cluster.close());

  async function state(): Promise<unknown[]> {
    const fields = ['status', 'oper_ram', 'console'];
    const { data } = await cluster.manager.query(SYSTEM, 'instance', fields, null);
    return data[0]?.map((cell) => cell[1]) ?? [];
  }

  const agentSocket = () => {
    const uuid = cluster.store.view.instances.named(instance_name)?.uuid ?? '';
    return socketsOf(join(cluster.folder('host'), 'guests', uuid)).agent;
  };

  test('is made, boots until its agent answers, restarts, shuts down and goes without a trace', async () => {
    await cluster.done({
      OP_ID: 'OP_INSTANCE_CREATE',
      instance_name,
      mode: 'create',
      disk_template: 'file',
      disks: [{ size: 128 }],
      nics: [],
      os_type: 'demo',
    });
    let agent = await AgentClient.connect(agentSocket());
    assert.match(await agent.shell('hostname'), /^guest/);
    const [status, memory, console] = await state();
    assert.deepEqual([status, memory], ['running', 128]);
    assert.equal((console as { kind: string }).kind, 'ssh');
    await agent.shell(`echo here > ${mark}`);
    agent.close();

    await cluster.done({
      OP_ID: 'OP_INSTANCE_REBOOT',
      instance_name,
      reboot_type: 'hard',
      shutdown_timeout: 60,
    });
    agent = await AgentClient.connect(agentSocket());
    assert.equal(
      (await agent.shell(`cat ${mark} 2>/dev/null || echo gone`)).trim(),
      'gone',
      'it did restart',
    );
    agent.close();

    await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name, timeout: 60 });
    assert.deepEqual((await state()).slice(0, 2), ['ADMIN_down', null]);
    await cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name });
    assert.deepEqual(await state(), []);
    assert.deepEqual(await readdir(join(cluster.folder('host'), 'guests')), []);
    assert.deepEqual(await readdir(join(cluster.dir, 'file-storage')), []);
  });

  test('gets and loses disks, NICs and memory while it runs, and keeps its data', async () => {
    const modify = (over: object) =>
      cluster.done({ OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, hotplug: true, ...over });
    await cluster.done({
      OP_ID: 'OP_INSTANCE_CREATE',
      instance_name,
      mode: 'create',
      disk_template: 'file',
      disks: [{ size: 128 }],
      nics: [],
      os_type: 'demo',
      beparams: { minmem: 96, maxmem: 128 },
    });
    const agent = await AgentClient.connect(agentSocket());
    const disks = async () =>
      (await agent.shell('ls /sys/block')).split(/\s+/).filter((name) => /^vd/.test(name));
    assert.deepEqual(await disks(), ['vda']);

    await modify({ disks: [['add', -1, { size: 3, name: 'data' }]] });
    await eventually('the guest sees its new disk', async () => (await disks())[1] ?? null);
    await agent.shell('echo precious > /dev/vdb; sync');
    await modify({ disks: [['detach', 'data', {}]] });
    assert.deepEqual(await disks(), ['vda']);
    await modify({ disks: [['attach', -1, { name: 'data' }]] });
    await eventually('the guest sees its old disk', async () => (await disks())[1] ?? null);
    assert.match(await agent.shell('head -c 8 /dev/vd[b-z]'), /precious/);
    await modify({ disks: [['remove', 'data', {}]] });
    assert.deepEqual(await disks(), ['vda']);

    const nics = async () =>
      (await agent.shell('ls /sys/class/net')).split(/\s+/).filter((name) => name !== '');
    const before = await nics();
    await modify({ nics: [['add', { mode: 'routed', ip: '192.0.2.9' }]] });
    await eventually('the guest sees its NIC', async () => (await nics())[before.length] ?? null);
    await modify({ nics: [['modify', 0, { mac: 'aa:00:00:99:00:01' }]] });
    await eventually(
      'the guest sees its NIC with the other address',
      async () => /99:00:01/.exec(await agent.shell('cat /sys/class/net/*/address'))?.[0] ?? null,
    );
    await modify({ nics: [['remove', {}]] });
    assert.deepEqual(await nics(), before);

    await modify({ runtime_mem: 100 });
    assert.equal((await state())[1], 100);
    agent.close();
    await cluster.done({
      OP_ID: 'OP_INSTANCE_REMOVE',
      instance_name,
      ignore_failures: true,
      shutdown_timeout: 0,
    });
    assert.deepEqual(await readdir(join(cluster.dir, 'file-storage')), []);
  });

  test('a missing bridge is named, and nothing is left', async () => {
    const job = await cluster.run({
      OP_ID: 'OP_INSTANCE_CREATE',
      instance_name,
      mode: 'create',
      disk_template: 'file',
      disks: [{ size: 128 }],
      nics: [{ link: 'no-such-br' }],
      os_type: 'demo',
    });
    assert.equal(job.ops[0]?.failure?.code, 'environment_error');
    assert.match(job.ops[0]?.failure?.message ?? '', /no-such-br/);
    assert.deepEqual(await readdir(join(cluster.dir, 'file-storage')), []);
  });
});
