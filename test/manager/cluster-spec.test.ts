import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import { faultTexts } from '../../lib/base/schema-words.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { ClusterSpec, firstObjects } from '../../lib/manager/cluster-spec.ts';
import { Cluster } from '../../lib/model/cluster.ts';
import { Node } from '../../lib/model/node.ts';
import { NodeGroup } from '../../lib/model/nodegroup.ts';

const least = {
  name: 'Cluster.Example.Com',
  enabled_hypervisors: ['kvm'],
  enabled_disk_templates: ['file'],
  nodes: [
    { name: 'Node1.example.com', primary_ip: '198.51.100.1' },
    { name: 'node2.example.com.', primary_ip: '2001:db8::2' },
  ],
};
const made = (over: Record<string, unknown> = {}) =>
  firstObjects(ClusterSpec.parse({ ...least, ...over }), {
    ...systemWorld,
    clock: { ...systemWorld.clock, seconds: () => 1000.5 },
  });

/** What is wrong with a cluster file: where, and in which words. */
function problems(over: Record<string, unknown>): string[] {
  const parsed = ClusterSpec.safeParse({ ...least, ...over });
  return faultTexts(ClusterSpec, parsed.error?.issues ?? [], { ...least, ...over });
}

describe('cluster spec', () => {
  it('needs little; the rest has defaults, and names are put in their proper form', () => {
    const { cluster, group, master } = made();
    assert.deepEqual(Cluster.parse(cluster), cluster);
    assert.deepEqual(NodeGroup.parse(group), group);
    assert.deepEqual(Node.parse(master), master);
    assert.equal(cluster.name, 'cluster.example.com');
    assert.deepEqual([cluster.ctime, cluster.mtime, cluster.serial_no], [1000.5, 1000.5, 1]);
    assert.deepEqual([group.name, group.ctime, group.mtime], ['default', 0, 1000.5]);
    assert.equal(cluster.default_iallocator, 'hail');
    assert.deepEqual(cluster.ipolicy['disk-templates'], ['file']);
    assert.equal(cluster.ipolicy['vcpu-ratio'], 4);
    assert.equal(cluster.beparams.maxmem, 128);
    assert.deepEqual(cluster.nicparams, { mode: 'bridged', link: 'xen-br0', vlan: '' });
    assert.equal(cluster.mac_prefix, 'aa:00:00');
    assert.equal(new Set([cluster.uuid, group.uuid, master.uuid]).size, 3);
  });

  it('makes its first node the master, or the one that it names', () => {
    const { cluster, group, master } = made();
    assert.deepEqual(
      [master.name, master.primary_ip, master.secondary_ip, master.group],
      ['node1.example.com', '198.51.100.1', '198.51.100.1', group.uuid],
    );
    assert.equal(cluster.master_node, master.uuid);
    assert.ok(master.master_candidate && master.vm_capable && !master.offline);
    assert.equal(made({ master: 'NODE2.example.com' }).master.name, 'node2.example.com');
  });

  it('takes what it says in place of the defaults, in the proper types', () => {
    const { cluster } = made({
      mac_prefix: 'AA:01:02',
      beparams: { maxmem: '1G', vcpus: '2' },
      hvparams: { kvm: { kernel_path: '', serial_console: 'False' } },
      nicparams: { link: 'br7' },
      ipolicy: { 'vcpu-ratio': 8 },
      os_search_path: ['os'],
      ndparams: { spindle_count: '4' },
      diskparams: { drbd: { 'resync-rate': '1000', metavg: 'default' } },
      osparams: { debian: { suite: 'stable' } },
      vg_name: 'disks',
      max_running_jobs: 5,
    });
    assert.deepEqual([cluster.ndparams.spindle_count, cluster.ndparams.ovs], [4, false]);
    assert.deepEqual(
      [cluster.diskparams.drbd['resync-rate'], cluster.diskparams.drbd.metavg],
      [1000, made().cluster.diskparams.drbd.metavg],
    );
    assert.deepEqual(cluster.osparams, { debian: { suite: 'stable' } });
    assert.deepEqual(
      [cluster.vg_name, cluster.drbd_helper, cluster.max_running_jobs, cluster.max_tracked_jobs],
      ['disks', null, 5, 25],
    );
    assert.equal(cluster.mac_prefix, 'aa:01:02');
    assert.deepEqual(
      [cluster.beparams.maxmem, cluster.beparams.minmem, cluster.beparams.vcpus],
      [1024, 128, 2],
    );
    assert.deepEqual([cluster.hvparams.kvm?.kernel_path, cluster.hvparams.kvm?.serial_console], ['', false]);
    assert.ok(Object.keys(cluster.hvparams.kvm ?? {}).length > 20, 'the others are filled in');
    assert.deepEqual(cluster.nicparams, { mode: 'bridged', link: 'br7', vlan: '' });
    assert.equal(cluster.ipolicy['vcpu-ratio'], 8);
    assert.deepEqual(cluster.os_search_path, ['os']);
  });

  it('takes the value "default" for what it says', () => {
    const { cluster } = made({
      beparams: { vcpus: 'default' },
      hvparams: { kvm: { serial_console: 'default' } },
    });
    assert.deepEqual(cluster.beparams, made().cluster.beparams);
    assert.deepEqual(cluster.hvparams, made().cluster.hvparams);
  });

  it('refuses what is not right, and says where', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ name: 'a b' }, /^name must be a host name .*, e\.g\. node1\.example\.com, not "a b"$/],
      [{ nodes: [] }, /^nodes must be a list of at least 1 items, not \[\]$/],
      [
        { nodes: [{ name: 'n', primary_ip: 'here' }] },
        /^nodes\[0\]\.primary_ip must be an IP address, e\.g\. 198\.51\.100\.1, not "here"$/,
      ],
      [
        { nodes: [{ name: '-', primary_ip: '198.51.100.1' }] },
        /^nodes\[0\]\.name must be a host name .*, not "-"$/,
      ],
      [
        { nodes: [{ name: 'n', primary_ip: '198.51.100.1', colour: 'red' }] },
        /^nodes\[0\] has the unknown key "colour"$/,
      ],
      [{ enabled_hypervisors: [] }, /^enabled_hypervisors must be a list of at least 1 items/],
      [
        { enabled_hypervisors: ['vmware'] },
        /^enabled_hypervisors\[0\] must be one of .*kvm.*, not "vmware"$/,
      ],
      [{ enabled_disk_templates: ['tape'] }, /^enabled_disk_templates\[0\] must be one of .*, not "tape"$/],
      [{ mac_prefix: 'aa:00' }, /^mac_prefix must be three bytes such as aa:00:00.*, not "aa:00"$/],
      [{ mac_prefix: '01:00:00' }, /^mac_prefix must be three bytes/],
      [{ candidate_pool_size: 0 }, /^candidate_pool_size must be at least 1, not 0$/],
      [{ hvparams: { vmware: {} } }, /^hvparams has the unknown key "vmware"$/],
      [{ ipolicy: { 'vcpu-ratio': 'much' } }, /^ipolicy\.vcpu-ratio must be a number, not "much"$/],
      [{ colour: 'red' }, /^it has the unknown key "colour"$/],
    ];
    for (const [over, words] of wrong) {
      const told = problems(over);
      assert.ok(
        told.length === 1 && words.test(told[0] ?? ''),
        `${JSON.stringify(over)}: ${told.join('; ')}`,
      );
    }
    assert.deepEqual(problems({}), []);
  });

  it('refuses parameters of the wrong kind, and values that contradict each other', () => {
    const wrong: [Record<string, unknown>, string, RegExp][] = [
      [{ beparams: { vcpus: 'many' } }, 'type_enforcement', /'vcpus' must be an integer/],
      [{ beparams: { colour: 1 } }, 'type_enforcement', /'colour'/],
      [{ hvparams: { kvm: { serial_console: 'perhaps' } } }, 'type_enforcement', /'serial_console'/],
      [{ beparams: { minmem: 512, maxmem: 256 } }, 'wrong_input', /minmem \(512 MiB\)/],
    ];
    for (const [over, code, message] of wrong)
      assert.throws(
        () => made(over),
        (error) => error instanceof MerapiError && error.code === code && message.test(error.message),
        JSON.stringify(over),
      );
  });
});
