import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { MerapiError } from '../../../lib/base/errors.ts';
import { ipolicyDefaults } from '../../../lib/model/ipolicy.ts';
import { put } from '../../../lib/store/changes.ts';
import type { TestCluster } from '../../helpers/cluster.ts';
import { stateOf, withoutChance } from '../state.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

/** Requests with what is refused about them. */
type Refusals = [over: Record<string, unknown>, code: string, message: RegExp | string][];

describe('creating an instance', () => {
  let f: InstanceFixture;
  let cluster: TestCluster;
  before(async () => {
    f = await InstanceFixture.make();
    cluster = f.cluster;
  });
  after(() => f.close());
  const refuses = async (table: Refusals) => {
    for (const [over, code, message] of table) await f.refuses(create(over), code, message);
  };

  it('puts names in their proper form and takes abbreviated ones of nodes', async () => {
    const { instance, op } = await f.made({ instance_name: 'Web.Example.COM.', pnode: 'NODE2' });
    assert.equal(instance.name, 'web.example.com');
    const node = cluster.store.view.nodes.named('node2.example.com');
    assert.equal(instance.primary_node, node?.uuid);
    assert.deepEqual(op.result, ['node2.example.com']);
    assert.deepEqual([op.resolved.pnode, op.resolved.pnode_uuid], ['node2.example.com', node?.uuid]);
    assert.equal(op.input.pnode, 'NODE2', 'what was submitted stays');
  });

  it('refuses names that are none, are in use, or are made by another job at the same time', async () => {
    await refuses([
      [{ instance_name: 'a b' }, 'wrong_input', /^'a b' is not a host name/],
      [{ pnode: 'nosuch' }, 'not_found', "There is no node 'nosuch' in this cluster"],
      [{ pnode: 'node' }, 'not_found', "There is no node 'node' in this cluster"],
    ]);
    const ids = [
      await cluster.manager.submit(SYSTEM, [create()]),
      await cluster.manager.submit(SYSTEM, [create({ instance_name: 'WEB.example.com.', pnode: 'node2' })]),
    ];
    const [first, second] = await Promise.all(ids.map((id) => cluster.ended(id)));
    assert.equal(first?.status, 'success');
    assert.deepEqual(second?.ops[0]?.failure, {
      code: 'already_exists',
      message: 'There is an instance web.example.com already',
    });
    await f.remove();
  });

  it('refuses names of devices by which two or none could be meant', () =>
    refuses([
      [
        {
          disks: [
            { size: 4, name: 'a' },
            { size: 4, name: 'a' },
          ],
        },
        'resource_not_unique',
        /Two disks .* 'a'/,
      ],
      [{ disks: [{ size: 4, name: '0' }] }, 'wrong_input', /'0' cannot name a disk/],
      [{ nics: [{ name: 'a' }, { name: 'a' }] }, 'resource_not_unique', /Two NICs .* 'a'/],
      [{ nics: [{ name: '-1' }] }, 'wrong_input', /'-1' cannot name a NIC/],
      [{ nics: [{ mac: '00:00:00:00:00:00' }] }, 'wrong_input', /not a MAC address of one device/],
    ]));

  it('lets the allocator choose, and tells in the log what it chose and why', async () => {
    for (const iallocator of [undefined, null, 'hail', '.']) {
      const { op } = await f.made({ pnode: null, iallocator });
      assert.match(
        op.log[0]?.text ?? '',
        /^The built-in allocator chose node[12]\.example\.com of 2 with room; the cluster's score goes from \d+\.\d{4} to \d+\.\d{4}$/,
      );
      assert.match(String(op.resolved.pnode), /^node[12]\.example\.com$/);
    }
    for (const patch of [{ drained: true }, { offline: true }])
      await f.withNode('node1.example.com', patch, async () => {
        const { op } = await f.made({ pnode: null });
        assert.deepEqual(op.result, ['node2.example.com']);
        assert.match(op.log[0]?.text ?? '', /chose node2\.example\.com of 1 with room/);
      });
    await refuses([
      [{ iallocator: 'hail' }, 'wrong_input', /^Give either pnode or iallocator/],
      [{ pnode: null, iallocator: 'coin' }, 'execution', "There is no allocator 'coin'; 'hail' is built in"],
      [{ pnode: null, group_name: 'nosuch' }, 'not_found', /no node group 'nosuch'/],
    ]);
  });

  it('refuses nodes that are offline, drained, or hold no instances', async () => {
    const node = 'Node node1.example.com is';
    const states: [object, string][] = [
      [{ offline: true }, `${node} marked offline`],
      [{ drained: true }, `${node} drained: it takes no new instances`],
      [{ vm_capable: false }, `${node} not vm_capable: it cannot have instances`],
    ];
    for (const [patch, message] of states)
      await f.withNode('node1.example.com', patch, () => refuses([[{}, 'wrong_state', message]]));
  });

  it('says in numbers what is missing where there is not enough memory', async () => {
    const beparams = { memory: 1 << 23 };
    const given = /^Node node1\.example\.com has \d+ MiB of memory free; 8388608 MiB are needed, \d+ more$/;
    const chosen = /^No node has room for the instance\. .*node1\.example\.com.*\d+ MiB of memory short/;
    await refuses([
      [{ start: true, beparams }, 'insufficient_resources', given],
      [{ pnode: null, beparams }, 'insufficient_resources', chosen],
    ]);
  });

  it('keeps the instance policy unless it is to be ignored', async () => {
    const { cluster: usual } = cluster.store.view;
    await cluster.store.commit({ job: null }, () => [put('cluster', { ...usual, ipolicy: ipolicyDefaults })]);
    const over = { disks: [{ size: 10 }], nics: [{}] };
    const broken = 'disk-size/0 is 12, at least 1024 is needed';
    const given = `The instance violates the instance policy of group default: ${broken}`;
    await refuses([
      [over, 'wrong_input', given],
      [{ ...over, pnode: null }, 'insufficient_resources', new RegExp(broken)],
    ]);
    await f.made({ ...over, ignore_ipolicy: true });
    await f.made({ ...over, pnode: null, ignore_ipolicy: true });
    await cluster.store.commit({ job: null }, () => [put('cluster', usual)]);
  });

  it('installs only an OS that the node has, with its variants and parameters', async () => {
    const missing = "Node node1.example.com has no OS definition 'nosuch'; it has flavoured, plain, untyped";
    const variants = 'give one of flavoured+small, flavoured+large';
    const typed = { os_type: 'flavoured+small', osparams: { size: 1 } };
    const secret = { os_type: 'flavoured+small', osparams_secret: { shape: 'x' } };
    await refuses([
      [{ os_type: 'nosuch' }, 'execution', missing],
      [{ os_type: 'broken' }, 'execution', /^The OS definition 'broken' of node node1.* is broken: .*99/],
      [{ os_type: 'plain+small' }, 'execution', "OS 'plain' has no variants"],
      [{ os_type: 'flavoured' }, 'execution', `OS 'flavoured' has variants: ${variants}`],
      [{ os_type: 'flavoured+huge' }, 'execution', `OS 'flavoured' has no variant 'huge'; ${variants}`],
      [typed, 'execution', "OS 'flavoured' has no parameter size; it has colour"],
      [secret, 'execution', "OS 'flavoured' has no parameter shape; it has colour"],
      [{ os_type: null, start: true }, 'wrong_input', 'Give the OS to install (os_type), or no_install'],
    ]);
    const forced = await f.made({ os_type: 'flavoured+huge', force_variant: true });
    assert.equal(forced.instance.os, 'flavoured+huge');
    for (const name of ['osparams', 'osparams_private', 'osparams_secret']) {
      const osparams = { colour: 12345678901234567890n };
      const { instance } = await f.made({ os_type: 'flavoured+small', [name]: osparams });
      if (name === 'osparams') assert.deepEqual(instance.osparams, osparams, 'exact to the last digit');
    }
    const bare = await f.made({ os_type: 'nosuch', no_install: true, start: true });
    assert.equal(bare.instance.os, 'nosuch');
    assert.ok(!bare.op.log.some(({ text }) => text.includes('create script')));
    assert.equal(bare.instance.admin_state, 'down', 'what has no system is not started');
    assert.equal(bare.op.resolved.start, false);
    // An OS of an interface before 20 names no parameters, so it is given any.
    const untyped = await f.made({
      os_type: 'untyped',
      osparams: { colour: 1 },
      osparams_private: { shape: 'x' },
    });
    assert.deepEqual(untyped.instance.osparams, { colour: 1 });
  });

  it('gives NICs the addresses that are asked for, or makes some', async () => {
    const mac = 'AA:00:00:12:34:56';
    const lan = { mac: 'generate', ip: '203.0.113.7', link: 'br9', vlan: '.5' };
    const { instance } = await f.made({ nics: [{ mac, name: 'lan' }, {}, lan] });
    const [first, second, third] = instance.nics;
    assert.deepEqual([first?.mac, first?.name, first?.ip], ['aa:00:00:12:34:56', 'lan', null]);
    for (const nic of [second, third]) assert.match(nic?.mac ?? '', /^aa:00:00(:[0-9a-f]{2}){3}$/);
    assert.notEqual(second?.mac, third?.mac);
    assert.deepEqual([third?.ip, third?.nicparams], ['203.0.113.7', { link: 'br9', vlan: '.5' }]);
    const routed = await f.made({
      nics: [
        { mode: 'routed', ip: '2001:db8::1' },
        { mode: 'default', ip: 'NONE' },
      ],
    });
    const [one, two] = routed.instance.nics;
    assert.deepEqual([one?.nicparams, one?.ip], [{ mode: 'routed' }, '2001:db8::1']);
    assert.deepEqual([two?.nicparams, two?.ip], [{}, null]);
  });

  it('refuses NICs that are not right', async () => {
    const mac = 'aa:00:00:12:34:56';
    await cluster.done(create({ instance_name: 'other', nics: [{ mac }] }));
    const taken = (nic: number) => `NIC ${nic}: MAC address ${mac} is in use`;
    await refuses([[{ nics: [{ mac }] }, 'resource_not_unique', taken(0)]]);
    await f.remove('other');
    const routed = { mode: 'routed', ip: '203.0.113.7' };
    await refuses([
      [{ nics: [{ mac }, { mac }] }, 'resource_not_unique', taken(1)],
      [{ nics: [{ mac: '01:00:00:00:00:01' }] }, 'wrong_input', /is not a MAC address of one device/],
      [{ nics: [{ mac: 'aa:00' }] }, 'wrong_input', /'aa:00' is not a MAC address/],
      [
        { nics: [{ ip: '203.0.113.300' }] },
        'wrong_input',
        "NIC 0: '203.0.113.300' is not an IP address; give one such as 192.0.2.7 or 2001:db8::7, without a zone",
      ],
      [{ nics: [{ mode: 'routed' }] }, 'wrong_input', 'NIC 0 is routed and so needs an IP address'],
      [{ nics: [{ ip: 'pool' }] }, 'wrong_input', /needs a network/],
      [{ instance_name: 'nosuch.invalid', nics: [{ ip: 'auto' }] }, 'resolver_error', /nosuch\.invalid/],
      [{ nics: [{ mode: 'direct' }] }, 'configuration', /'direct' is not a NIC mode/],
      [{ nics: [{ mode: 'pool' }] }, 'configuration', /only a network can have mode pool/],
      [{ nics: [{ network: 'lan' }] }, 'not_found', /no network 'lan'/],
      [{ nics: [{ link: 'a', bridge: 'b' }] }, 'wrong_input', /either link or bridge/],
      [{ nics: [{ ...routed, bridge: 'b' }] }, 'wrong_input', /bridge belongs to mode bridged/],
      [{ nics: Array.from({ length: 9 }, () => ({})) }, 'wrong_input', /at most 8 NICs, not 9/],
    ]);
  });

  it('gives one of two instances a MAC address that both ask for at once', async () => {
    const nics = [{ mac: 'aa:00:00:65:43:21' }];
    const before = await stateOf(cluster);
    let checks = 0;
    let both: () => void = () => undefined;
    const checked = new Promise<void>((resolve) => {
      both = resolve;
    });
    cluster.gate.call = async (name, make) => {
      if (name === 'disk.create' && ++checks === 2) both();
      if (name === 'disk.create') await checked; // both have passed their checks
      return make();
    };
    const ids = [
      await cluster.manager.submit(SYSTEM, [create({ nics })]),
      await cluster.manager.submit(SYSTEM, [create({ instance_name: 'other', pnode: 'node2', nics })]),
    ];
    const jobs = await Promise.all(ids.map((id) => cluster.ended(id)));
    cluster.gate.call = undefined;
    const failed = jobs.find(({ status }) => status === 'error');
    assert.equal(failed?.ops[0]?.failure?.code, 'resource_not_unique');
    const [kept, other] = cluster.store.view.instances.list();
    assert.ok(kept && !other, 'one of the two is there');
    await f.remove(kept.name);
    assert.deepEqual(withoutChance(await stateOf(cluster)), withoutChance(before));
  });

  it('makes disks of the given sizes in the storage folder or one below it', async () => {
    const two = [{ size: '1G', mode: 'ro', name: 'root' }, { size: 1 }];
    const { disks } = await f.made({ disks: two, file_storage_dir: 'some/place' });
    const [first, second] = disks;
    assert.deepEqual([first?.size, first?.mode, first?.name], [1024, 'ro', 'root']);
    assert.deepEqual([second?.size, second?.mode, second?.name], [4, 'rw', null]);
    const folder = join(cluster.dir, 'file-storage', 'some', 'place', instance_name);
    assert.ok(String(first?.logical_id[1]).startsWith(`${folder}/`));
    const diskless = await f.made({ disk_template: 'diskless', disks: [{ size: 10 }] });
    assert.deepEqual([diskless.instance.disks, diskless.instance.disk_template], [[], 'diskless']);
    assert.equal((await f.made({ disk_template: null })).op.resolved.disk_template, 'file');
  });

  it('shows the opcode as it is done: sizes and memory as numbers, rounded up, also in a dry run', async () => {
    const given = {
      disks: [{ size: 10 }, { size: '13', name: 'None' }, { size: '1g' }],
      beparams: { maxmem: '130', minmem: '101m', vcpus: '2', auto_balance: 'true' },
      nics: [{ ip: 'None', name: 'NONE' }],
    };
    const shown = {
      disks: [{ size: 12 }, { size: 16, name: 'None' }, { size: 1024 }],
      beparams: { maxmem: 132, minmem: 104, vcpus: 2, auto_balance: true },
    };
    const { ops } = await cluster.done(create({ ...given, dry_run: true }));
    const { op, instance, disks } = await f.made(given);
    for (const { resolved } of [ops[0] ?? assert.fail(), op]) {
      assert.deepEqual(resolved.disks, shown.disks);
      assert.deepEqual(resolved.beparams, shown.beparams);
      assert.equal(resolved.file_driver, 'loop');
    }
    assert.deepEqual(
      disks.map(({ size, name }) => [size, name]),
      [
        [12, null],
        [16, null],
        [1024, null],
      ],
    );
    assert.equal(instance.nics[0]?.name, null);
  });

  it('shows only what was looked at before a check failed', async () => {
    const job = await cluster.run(create({ disks: [{ size: 10, colour: 'red' }] }));
    const { resolved, failure } = job.ops[0] ?? assert.fail();
    assert.equal(failure?.code, 'type_enforcement');
    assert.deepEqual(resolved.disks, [{ size: 12, colour: 'red' }]);
    for (const later of ['file_driver', 'hypervisor', 'pnode_uuid', 'osparams_private'])
      assert.ok(!(later in resolved), later);
  });

  it('refuses disks that are not right', async () => {
    const many = Array.from({ length: 17 }, () => ({ size: 1 }));
    const outside = /must be a folder below the storage folder/;
    await refuses([
      [{ disks: [{ mode: 'rw' }] }, 'wrong_input', 'Disk 0: its size is missing'],
      [{ disks: [{ size: 1 }, { size: 0 }] }, 'wrong_input', 'Disk 1: its size must be at least 1 MiB'],
      [
        { disks: [{ size: 1, colour: 'red' }] },
        'type_enforcement',
        /^Unknown parameter colour of a disk; known are/,
      ],
      [{ disks: [{ size: 1, adopt: 'lv' }] }, 'wrong_input', /cannot be adopted with the template file/],
      [{ disks: many }, 'wrong_input', /at most 16 disks, not 17/],
      [{ disk_template: 'drbd' }, 'prerequisite', /^Disk template drbd is not enabled; enabled are file/],
      [{ file_storage_dir: '/etc' }, 'wrong_input', outside],
      [{ file_storage_dir: 'a/../../b' }, 'wrong_input', outside],
    ]);
    for (const disks of [[{ size: 'big' }], [{ size: 1, mode: 'w' }]])
      await assert.rejects(
        cluster.manager.submit(SYSTEM, [create({ disks })]),
        (error) =>
          error instanceof MerapiError && error.code === 'wrong_input' && /'disks'/.test(error.message),
      );
  });

  it('keeps tags and parameters of its own, without those that equal the defaults if so wished', async () => {
    const beparams = { minmem: '64', maxmem: 128, vcpus: 3 };
    const { instance, op } = await f.made({ tags: ['b', 'a', 'b'], beparams });
    assert.deepEqual(instance.tags, ['a', 'b']);
    assert.deepEqual(instance.beparams, { minmem: 64, maxmem: 128, vcpus: 3 });
    assert.deepEqual([op.resolved.hypervisor, op.input.hypervisor], ['fake', null]);
    const identified = await f.made({ beparams, identify_defaults: true });
    assert.deepEqual(identified.instance.beparams, { minmem: 64, vcpus: 3 });
    const memory = await f.made({ beparams: { memory: '1G' } });
    assert.deepEqual(memory.instance.beparams, { minmem: 1024, maxmem: 1024 });
    assert.deepEqual(memory.op.resolved.beparams, { minmem: 1024, maxmem: 1024 });
  });

  it('refuses parameters and tags that are not right, and what it does not do', async () => {
    const tags = Array.from({ length: 4097 }, (_, tag) => `t${tag}`);
    const memory = 'minmem (256 MiB) is more than maxmem (128 MiB)';
    await refuses([
      [{ tags: ['no good'] }, 'invalid_tag', /"no good"/],
      [{ tags }, 'invalid_tag', 'An object has at most 4096 tags, not 4097'],
      [{ beparams: { vcpus: 'many' } }, 'type_enforcement', /'vcpus' must be an integer/],
      [{ beparams: { vcpus: 1n << 60n } }, 'type_enforcement', /not 1152921504606846976$/],
      [{ beparams: { vcpus: 0 } }, 'wrong_input', 'vcpus must be at least 1, not 0'],
      [{ beparams: { minmem: 256 } }, 'wrong_input', memory],
      [{ beparams: { maxmem: 'default' } }, 'type_enforcement', /'maxmem': 'default' is not a size/],
      [{ hvparams: { colour: 1 } }, 'type_enforcement', /'colour'/],
      [
        { hvparams: { kernel_path: '/x' } },
        'hypervisor',
        /'kernel_path' belongs to kvm, .*xen-pvm, not to .* fake$/,
      ],
      [{ hypervisor: 'kvm' }, 'wrong_state', 'Hypervisor kvm is not enabled; enabled are fake'],
      [{ mode: 'import' }, 'wrong_input', "There is no export 'web.example.com' on any node that answers"],
      [{ mode: 'remote-import' }, 'wrong_input', 'An import from another cluster needs source_handshake'],
      [{ forthcoming: true }, 'wrong_input', /^forthcoming is not supported/],
    ]);
  });

  it('starts it if it is to, and it is meant to run from then on', async () => {
    assert.equal((await f.made({ start: true })).instance.admin_state, 'up');
    assert.equal((await f.made()).instance.admin_state, 'down');
  });

  it('changes nothing in a dry run, and answers the node', async () => {
    const before = await stateOf(cluster);
    const { view } = cluster.store;
    for (const pnode of ['node2.example.com', null]) {
      const { ops } = await cluster.done(create({ dry_run: true, pnode }));
      const [chosen] = (ops[0]?.result ?? []) as string[];
      const node = view.nodes.get(String(chosen));
      assert.equal(node?.name, ops[0]?.resolved.pnode);
      assert.match(ops[0]?.log.at(-1)?.text ?? '', /^This was a dry run/);
    }
    assert.deepEqual(await stateOf(cluster), before);
    assert.equal(cluster.store.view, view);
  });
});
