import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { stringifyJson } from '../../../lib/base/json.ts';
import type { Cluster } from '../../../lib/model/cluster.ts';
import { create, InstanceFixture, instance_name, makeOs } from '../instance/fixture.ts';

describe('changing the cluster', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make();
  });
  after(() => f.close());

  const modify = (over: Record<string, unknown>) => ({ OP_ID: 'OP_CLUSTER_SET_PARAMS', ...over });
  const cluster = (): Cluster => f.cluster.store.view.cluster;
  const info = () => f.cluster.manager.cluster(SYSTEM);

  it('sets the defaults that instances inherit', async () => {
    await f.cluster.done(create());
    await f.cluster.done(
      modify({ beparams: { memory: '1G', vcpus: '2' }, nicparams: { link: 'br7' }, mac_prefix: 'AA:00:07' }),
    );
    assert.deepEqual(
      [cluster().beparams.minmem, cluster().beparams.maxmem, cluster().beparams.vcpus, cluster().mac_prefix],
      [1024, 1024, 2, 'aa:00:07'],
    );
    const { data } = await f.cluster.manager.query(
      SYSTEM,
      'instance',
      ['be/vcpus'],
      ['=', 'name', instance_name],
    );
    assert.deepEqual(data[0]?.[0], [0, 2]);
    await f.remove();
    await f.cluster.done(modify({ beparams: { memory: 128, vcpus: 1 }, nicparams: { link: 'xen-br0' } }));
  });

  it('changes only the parts that are given', async () => {
    const before = cluster();
    await f.cluster.done(
      modify({ hvparams: { fake: { migration_mode: 'non-live' } }, ipolicy: { 'vcpu-ratio': '5' } }),
    );
    assert.deepEqual(cluster().hvparams, {
      ...before.hvparams,
      fake: { ...before.hvparams.fake, migration_mode: 'non-live' },
    });
    assert.deepEqual(cluster().ipolicy, { ...before.ipolicy, 'vcpu-ratio': 5 });
    await f.cluster.done(modify({ os_hvp: { plain: { fake: { migration_mode: 'live' } } } }));
    assert.deepEqual(cluster().os_hvp, { plain: { fake: { migration_mode: 'live' } } });
    await f.cluster.done(modify({ os_hvp: { plain: { fake: { migration_mode: 'default' } } } }));
    assert.deepEqual(cluster().os_hvp, {});
    await f.cluster.done(modify({ os_hvp: { plain: { fake: { migration_mode: 'live' } } } }));
    await f.cluster.done(modify({ os_hvp: { plain: { fake: null } } }));
    assert.deepEqual(cluster().os_hvp, {});
    await f.cluster.done(modify({ osparams: { plain: { a: 'b', c: 1 } } }));
    await f.cluster.done(modify({ osparams: { plain: { a: '' } } }));
    assert.deepEqual(cluster().osparams, { plain: { c: 1 } });
    await f.cluster.done(modify({ osparams: { plain: { c: null } } }));
    assert.deepEqual(cluster().osparams, {});
    await f.cluster.done(modify({ osparams: { plain: { d: 'default' } } }));
    assert.deepEqual(cluster().osparams, {});
    await f.cluster.done(modify({ diskparams: { drbd: { 'resync-rate': 5 } }, ndparams: { ovs: true } }));
    assert.equal(cluster().diskparams.drbd['resync-rate'], 5);
    assert.equal(cluster().ndparams.ovs, true);
  });

  it('keeps lists: operating systems, user ids', async () => {
    await f.cluster.done(
      modify({
        hidden_os: [
          ['add', 'plain'],
          ['add', 'other'],
        ],
        blacklisted_os: [
          ['add', 'flavoured'],
          ['add', 'untyped'],
        ],
      }),
    );
    const again = await f.cluster.done(
      modify({
        hidden_os: [
          ['add', 'plain'],
          ['remove', 'other'],
          ['remove', 'x'],
        ],
      }),
    );
    assert.deepEqual(cluster().hidden_os, ['plain']);
    assert.deepEqual(
      again.ops[0]?.log.map(({ text }) => text),
      ['OS plain is in the list already', 'OS x is not in the list'],
    );
    assert.deepEqual(await f.cluster.manager.osNames(SYSTEM), []);
    await f.cluster.done(
      modify({
        hidden_os: [['remove', 'plain']],
        blacklisted_os: [
          ['remove', 'flavoured'],
          ['remove', 'untyped'],
        ],
      }),
    );
    await f.cluster.done(modify({ uid_pool: [[2000, 2010]], add_uids: [[1000, 1009]] }));
    assert.deepEqual(info().uid_pool, [
      [1000, 1009],
      [2000, 2010],
    ]);
    await f.cluster.done(modify({ remove_uids: [[1000, 1009]] }));
    assert.deepEqual(cluster().uid_pool, [[2000, 2010]]);
    await f.cluster.done(
      modify({ enabled_data_collectors: { drbd: false }, data_collector_interval: { lv: 7 } }),
    );
    assert.equal((info().enabled_data_collectors as Record<string, boolean>).drbd, false);
    assert.equal((info().data_collector_interval as Record<string, number>).lv, 7);
  });

  it('hands private OS parameters to scripts and shows them nowhere', async () => {
    const secret = 'tr0ub4dor';
    const job = await f.cluster.done(modify({ osparams_private_cluster: { flavoured: { token: secret } } }));
    assert.ok(!stringifyJson([job, cluster(), info()]).includes(secret));
    assert.deepEqual(job.ops[0]?.input.osparams_private_cluster, { flavoured: '<redacted>' });
    const folder = cluster().os_search_path[0] ?? '';
    const told = join(folder, 'told');
    const lists = { 'parameters.list': 'token the token\n' };
    await makeOs(join(folder, 'telling'), {
      ...lists,
      create: `#!/bin/sh\nprintf %s "$OSP_TOKEN" > ${told}\n`,
    });
    await f.cluster.done(modify({ osparams_private_cluster: { telling: { token: secret } } }));
    await f.cluster.done(create({ os_type: 'telling' }));
    assert.equal(await readFile(told, 'utf8'), secret);
    await f.remove();
    await f.cluster.done(
      modify({ osparams_private_cluster: { flavoured: { token: null }, telling: { token: null } } }),
    );
    assert.equal(cluster().osparams_private, null);
  });

  it('fills the pool of master candidates when it grows', async () => {
    const nodes = () => f.cluster.store.view.nodes.list().map((node) => node.master_candidate);
    await f.cluster.done({
      OP_ID: 'OP_NODE_SET_PARAMS',
      node_name: 'node2',
      master_candidate: false,
      force: true,
    });
    assert.deepEqual(nodes(), [true, false]);
    await f.cluster.done(modify({ candidate_pool_size: 2 }));
    assert.deepEqual(nodes(), [true, true]);
  });

  it('refuses what is not right, and then changes nothing', async () => {
    await f.cluster.done(create());
    const cases: [Record<string, unknown>, string, RegExp][] = [
      [{ beparams: { bogus: 1 } }, 'type_enforcement', /bogus/],
      [{ beparams: { minmem: 4096 } }, 'wrong_input', /minmem .* is more than maxmem/],
      [{ beparams: { vcpus: 'default' } }, 'wrong_input', /has nothing to inherit from/],
      [{ hvparams: { kvm: { nosuch: 1 } } }, 'type_enforcement', /nosuch/],
      [{ hvparams: { vbox: {} } }, 'hypervisor', /There is no hypervisor 'vbox'/],
      [{ hvparams: { kvm: { acpi: false } } }, 'execution', /Node node1\S* does not run kvm; it runs fake/],
      [
        { hvparams: { kvm: { acpi: 'default' } } },
        'wrong_input',
        /acpi: the cluster has nothing to inherit from/,
      ],
      [{ enabled_hypervisors: ['fake', 'xen-pvm'] }, 'execution', /does not run xen-pvm/],
      [
        { ndparams: { spindle_count: 'default' } },
        'wrong_input',
        /spindle_count: the cluster has nothing to inherit from/,
      ],
      [{ enabled_hypervisors: ['kvm'] }, 'wrong_state', /instance web\.example\.com uses it/],
      [{ enabled_hypervisors: [] }, 'wrong_input', /at least one/],
      [{ enabled_hypervisors: ['fake', 'fake'] }, 'wrong_input', /twice/],
      [{ enabled_disk_templates: ['diskless'] }, 'wrong_state', /Disk template file cannot be disabled/],
      [{ enabled_disk_templates: ['file'] }, 'wrong_input', /policy allows diskless, which is not enabled/],
      [{ ipolicy: { 'vcpu-ratio': 0 } }, 'wrong_input', /vcpu-ratio/],
      [{ ipolicy: { 'vcpu-ratio': 'x' } }, 'wrong_input', /vcpu-ratio/],
      [{ ipolicy: { std: { 'memory-size': 'x' } } }, 'type_enforcement', /memory-size/],
      [{ hvparams: { fake: { kernel_path: '/x' } } }, 'hypervisor', /'kernel_path' belongs to kvm/],
      [{ os_hvp: { noop: { fake: { kernel_path: '/x' } } } }, 'hypervisor', /'kernel_path' belongs to kvm/],
      [{ ipolicy: { std: { 'memory-size': 1 << 25 } } }, 'wrong_input', /std is not within the bounds/],
      [{ nicparams: { mode: 'tunnel' } }, 'wrong_input', /There is no NIC mode 'tunnel'/],
      [{ nicparams: { link: '' } }, 'wrong_input', /need a link/],
      [{ mac_prefix: '01:00:00' }, 'wrong_input', /not a MAC prefix/],
      [{ file_storage_dir: 'here' }, 'wrong_input', /must be an absolute path/],
      [{ file_storage_dir: '' }, 'wrong_input', /template file is enabled and needs file_storage_dir/],
      [{ master_netmask: 200 }, 'wrong_input', /at most 128/],
      [{ uid_pool: [[5, 1]] }, 'wrong_input', /not a range/],
      [
        {
          uid_pool: [
            [1, 5],
            [5, 9],
          ],
        },
        'wrong_input',
        /overlap at 5/,
      ],
      [{ remove_uids: [[1, 2]] }, 'wrong_input', /is not in the pool/],
      [{ hidden_os: [['attach', 'x']] }, 'wrong_input', /added or removed/],
      [{ enabled_data_collectors: { x: true } }, 'wrong_input', /no data collector x/],
      [{ data_collector_interval: { lv: 0 } }, 'wrong_input', /at least one/],
      [{ install_image: '/x' }, 'wrong_input', /not supported/],
      [{ hv_state: { fake: {} } }, 'wrong_input', /not supported/],
    ];
    for (const [over, code, message] of cases) await f.refuses(modify(over), code, message);
    await f.remove();
  });

  it('sees whether all nodes answer', async () => {
    const job = await f.cluster.done({ OP_ID: 'OP_CLUSTER_REDIST_CONF' });
    assert.deepEqual([job.ops[0]?.result, job.ops[0]?.log], [null, []]);
  });
});
