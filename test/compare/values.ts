/**
 * Values for the parameters of requests, by the names of the parameters: those that a cluster of the lab takes, and those at
 * the edge, which one implementation may well take and another refuse.
 */
export interface Values {
  readonly good: readonly unknown[];
  readonly edge: readonly unknown[];
}

export const NODES = ['node1.example.com', 'node2.example.com', 'node3.example.com'] as const;
/** The names of instances that the lab's hosts files know, apart from those of other programs. */
export const INSTANCES = ['inst60', 'inst61', 'inst62', 'inst63', 'inst64'].map(
  (name) => `${name}.example.com`,
);

const flags: Values = { good: [true, false], edge: [null, 1, 'true'] };
const seconds: Values = { good: [0, 1, 5], edge: [-1, null, '3', 1.5] };

/** Backend parameters. */
export const beparams: Values = {
  good: [
    { vcpus: 2 },
    { memory: 64 },
    { maxmem: 256, minmem: 64 },
    { auto_balance: false },
    { spindle_use: 2 },
    { always_failover: true },
    { minmem: 32 },
    {},
  ],
  edge: [
    { memory: '128' },
    { memory: '1G' },
    { memory: 1.5 },
    { maxmem: 64, minmem: 128 },
    { vcpus: 0 },
    { vcpus: '2' },
    { vcpus: -1 },
    { vcpus: 100 },
    { vcpus: 'default' },
    { vcpus: null },
    { vcpus: 'x' },
    { auto_balance: 'no' },
    { auto_balance: 'yes' },
    { auto_balance: 1 },
    { always_failover: 'true' },
    { memory: 64, maxmem: 128 },
    { memory: 'default' },
    { maxmem: '64m' },
    { minmem: null },
    { spindle_use: '1' },
    { nosuch: 1 },
    { MEMORY: 128 },
  ],
};

const ndparams: Values = {
  good: [{ spindle_count: 3 }, { oob_program: '' }, { ssh_port: 22 }, { cpu_speed: 1.5 }, {}],
  edge: [
    { spindle_count: '4' },
    { spindle_count: -1 },
    { spindle_count: 'x' },
    { spindle_count: 'default' },
    { exclusive_storage: 'no' },
    { exclusive_storage: true },
    { ovs: true },
    { ovs_name: 'br0' },
    { ssh_port: '22' },
    { cpu_speed: 'fast' },
    { cpu_speed: 2 },
    { nosuch: 1 },
  ],
};

const ipolicy: Values = {
  good: [
    { 'vcpu-ratio': 5 },
    { 'spindle-ratio': 16 },
    { 'disk-templates': ['file', 'diskless', 'sharedfile'] },
    {},
  ],
  edge: [
    { 'vcpu-ratio': '5' },
    { 'vcpu-ratio': 0 },
    { 'vcpu-ratio': 'x' },
    { 'vcpu-ratio': 'default' },
    { 'disk-templates': [] },
    { 'disk-templates': ['nosuch'] },
    { 'disk-templates': ['drbd'] },
    { minmax: [] },
    { minmax: [{ min: { 'memory-size': 64 }, max: { 'memory-size': 128 } }] },
    { minmax: 'x' },
    { std: { 'memory-size': 64 } },
    { std: { 'memory-size': '64' } },
    { nosuch: 1 },
  ],
};

const diskparams: Values = {
  good: [{ file: {} }, { drbd: { 'resync-rate': 1000 } }, { sharedfile: {} }, {}],
  edge: [
    { drbd: { 'resync-rate': '1000' } },
    { drbd: { 'resync-rate': 'x' } },
    { drbd: { nosuch: 1 } },
    { nosuch: {} },
    { drbd: 1 },
    { plain: { stripes: 2 } },
    { plain: { stripes: 0 } },
    { rbd: { access: 'userspace' } },
    { rbd: { access: 'x' } },
    { drbd: { 'disk-barriers': 'n' } },
    { drbd: { 'dynamic-resync': 'yes' } },
  ],
};

const nicparams: Values = {
  good: [{ link: 'xen-br0' }, { mode: 'bridged' }, {}],
  edge: [
    { mode: 'routed' },
    { mode: 'nosuch' },
    { mode: 'openvswitch' },
    { link: '' },
    { vlan: '.10' },
    { vlan: 10 },
    { link: 7 },
    { link: 'default' },
    { nosuch: 1 },
  ],
};

/** One NIC as requests describe it. */
export const nic: Values = {
  good: [
    {},
    { ip: '198.51.100.77' },
    { mac: 'aa:00:00:12:34:56' },
    { mac: 'auto' },
    { link: 'xen-br0', mode: 'bridged' },
    { name: 'lan' },
    { ip: null },
    { mode: 'routed', ip: '198.51.100.78' },
  ],
  edge: [
    { mac: 'AA:00:00:12:34:57' },
    { mac: 'zz' },
    { mac: 'generate' },
    { mac: null },
    { ip: 'none' },
    { ip: 'None' },
    { ip: 'x' },
    { ip: '198.51.100.300' },
    { ip: '2001:db8::5' },
    { ip: 'pool' },
    { mode: 'nosuch' },
    { mode: 'routed' },
    { mode: 'ovs' },
    { mode: 'openvswitch' },
    { link: '' },
    { link: 'br9' },
    { link: 'x y' },
    { network: 'nosuch' },
    { network: 'none' },
    { network: '' },
    { vlan: '.5' },
    { vlan: '5' },
    { vlan: 'x' },
    { bridge: 'xen-br0' },
    { bridge: 'xen-br0', link: 'xen-br0' },
    { name: '' },
    { name: 'none' },
    { nosuch: 'x' },
    { ip: 7 },
  ],
};

/** One disk as requests describe it. */
export const disk: Values = {
  good: [{ size: 4 }, { size: 8, mode: 'rw' }, { size: 64, mode: 'ro' }, { size: 12, name: 'data' }],
  edge: [
    { size: 10 },
    { size: '10' },
    { size: '16M' },
    { size: '1g' },
    { size: '0.01G' },
    { size: 0 },
    { size: -4 },
    { size: 1.5 },
    { size: 'x' },
    {},
    { size: 4, mode: 'x' },
    { size: 4, name: '' },
    { size: 4, name: 'none' },
    { size: 4, spindles: 1 },
    { size: 4, access: 'kernelspace' },
    { size: 4, access: 'x' },
    { size: 4, metavg: 'x' },
    { size: 4, vg: 'xenvg' },
    { size: 4, adopt: 'x' },
    { size: 4, provider: 'x' },
    { size: 4, nosuch: 'x' },
    { size: null },
    { size: 100000000 },
  ],
};

const listsOf = ({ good, edge }: Values): Values => ({
  good: [...good.map((one) => [one]), [good[0], good[1]]],
  edge: [[], ...edge.map((one) => [one])],
});

const node: Values = {
  good: [...NODES, 'node2'],
  edge: ['nosuch', 'NODE2.example.com', '', null, 'node2.example.com.', 'node'],
};
const uuid: Values = { good: [null], edge: ['x', '', '11111111-2222-3333-4444-555555555555'] };
const allocator: Values = { good: [null, 'hail', '.'], edge: ['nosuch', ''] };
const text: Values = { good: ['x', 'some text'], edge: ['', 'ü', ' ', null, 7] };
const names: Values = { good: [[], ['one'], ['one', 'two']], edge: [[''], [7], 'one', ['one', 'one'], null] };

/** By the names of opcodes' parameters; the first pattern that matches counts. */
const table: readonly (readonly [RegExp, Values])[] = [
  [
    /^instance_name$|^new_name$/,
    { good: INSTANCES, edge: ['inst60', 'INST61.example.com', 'nosuch', '', '-x', 'a b'] },
  ],
  [/^instances$/, { good: [[INSTANCES[0]]], edge: [[], ['nosuch'], 'x'] }],
  [/^os_type$|^os_name$/, { good: ['noop'], edge: ['nosuch', 'noop+v1', '', null, '+'] }],
  [
    /^osparams(_private|_secret)?$|^ext_params$/,
    { good: [{}, { a: 'b' }], edge: [{ a: 1 }, { a: null }, null, { a: '' }, { '': 'x' }] },
  ],
  [/^iallocator$|^default_iallocator$/, allocator],
  [/_uuids?$/, uuid],
  [/node$|^node_name$|^pnode$|^snode$|^src_node$|^remote_node$/, node],
  [
    /^nodes$/,
    {
      good: [[NODES[2]], [NODES[1], NODES[2]]],
      edge: [[], ['nosuch'], 'node3', [NODES[2], NODES[2]], ['node3'], null],
    },
  ],
  [
    /^group_name$|^target_groups$|^default_groups?$/,
    { good: ['default'], edge: ['nosuch', '', null, ['default']] },
  ],
  [/^hypervisor$/, { good: [null, 'fake'], edge: ['kvm', 'xen-pvm', 'nosuch', ''] }],
  [
    /^hvparams$/,
    {
      good: [{}, { migration_mode: 'live' }],
      edge: [
        { migration_mode: 'x' },
        { acpi: true },
        { nosuch: 1 },
        { migration_mode: 'non-live' },
        { migration_mode: 7 },
        { migration_mode: 'default' },
      ],
    },
  ],
  [/^(beparams)$/, beparams],
  [/^ndparams$/, ndparams],
  [/^ipolicy$/, ipolicy],
  [/^diskparams$/, diskparams],
  [/^nicparams$/, nicparams],
  [/^nics$/, listsOf(nic)],
  [/^disks$/, listsOf(disk)],
  [
    /^disk_template$/,
    {
      good: ['file', 'diskless', 'sharedfile'],
      edge: ['plain', 'drbd', 'nosuch', '', null, 'ext', 'rbd', 'blockdev', 'gluster'],
    },
  ],
  [/^file_driver$/, { good: [null, 'loop', 'blktap2'], edge: ['nosuch', 'blktap', ''] }],
  [
    /^file_storage_dir$/,
    { good: [null, 'sub'], edge: ['/tmp', '../x', '', 'a/b', '/srv/ganeti/file-storage'] },
  ],
  [/^mode$/, { good: ['create'], edge: ['import', 'remote-import', 'nosuch', '', null] }],
  [
    /^tags$/,
    {
      good: [[], ['t1'], ['t1', 't2']],
      edge: [['bad tag!'], [''], 't1', [7], null, ['t1', 't1'], ['x'.repeat(129)]],
    },
  ],
  [/^alloc_policy$/, { good: ['preferred', 'last_resort', 'unallocable'], edge: ['nosuch', '', null] }],
  [/^(name|ip)_check$/, { good: [false], edge: [null, 'x'] }],
  [/timeout$/, seconds],
  [/^compress$/, { good: ['none'], edge: ['gzip', 'nosuch', '', null] }],
  [/^mac_prefix$/, { good: ['aa:00:00', null], edge: ['zz', 'aa:00:00:01', 'AA:00:00', '', 'aa:0:0'] }],
  [
    /^network$/,
    {
      good: ['203.0.113.0/28', '203.0.113.16/29'],
      edge: [
        '203.0.113.5/28',
        '203.0.113.0',
        '203.0.113.0/33',
        'x',
        '203.0.113.0/31',
        '203.0.113.0/30',
        '10.0.0.0/8',
        '2001:db8::/64',
        '',
      ],
    },
  ],
  [
    /^gateway$/,
    { good: ['203.0.113.1', null], edge: ['203.0.113.99', 'x', '203.0.113.0', '203.0.113.15', 'none', ''] },
  ],
  [
    /^network6$/,
    { good: ['2001:db8::/64', null], edge: ['x', '2001:db8::1/64', '2001:db8::/129', '203.0.113.0/28', ''] },
  ],
  [/^gateway6$/, { good: [null, '2001:db8::1'], edge: ['x', '2001:db9::1', '203.0.113.1', ''] }],
  [
    /reserved_ips$/,
    {
      good: [[], ['203.0.113.5'], ['203.0.113.6', '203.0.113.7'], null],
      edge: [['203.0.113.99'], ['x'], ['203.0.113.0'], ['203.0.113.1'], 'x', ['203.0.113.5', '203.0.113.5']],
    },
  ],
  [/^network_mode$/, { good: ['bridged', 'routed'], edge: ['ovs', 'openvswitch', 'nosuch', null, ''] }],
  [/^network_link$/, { good: ['xen-br0'], edge: ['', null, 'br9', 7] }],
  [/^network_vlan$/, { good: ['', null], edge: ['.5', 5, 'x'] }],
  [/^amount$/, { good: [4, 8], edge: [0, -1, 3, '4', '4m', 1.5, 'x', null, 10000000] }],
  [/^disk$/, { good: [0], edge: [1, 5, 16] }],
  [/^reboot_type$/, { good: ['soft', 'hard', 'full'], edge: ['nosuch', ''] }],
  [/^(runtime_mem)$/, { good: [64], edge: [0, -1, '64', 100000] }],
  [/^priority$/, { good: [0, 10, -10], edge: [5, 99, '0', null] }],
  [/^depends$/, { good: [null, []], edge: [[[-1, ['success']]], 'x', [[-9, []]], [['x', ['success']]]] }],
  [/^comment$/, { good: [null, 'why not'], edge: [7, ''] }],
  [/^debug_level$/, { good: [null, 0, 1], edge: [-1, 'x'] }],
  [/^(hv_state|disk_state)$/, { good: [null], edge: [{}] }],
  [/^candidate_pool_size$/, { good: [10, 9], edge: [0, -1, '9', null, 1000] }],
  [/^max_(running|tracked)_jobs$/, { good: [20, 25], edge: [0, -1, '9', null] }],
  [
    /^(hidden|blacklisted)_os$/,
    {
      good: [[['add', 'noop']], [['remove', 'noop']], null],
      edge: [[['add', 'nosuch']], [['x', 'noop']], 'noop', [['add']]],
    },
  ],
  [/^reserved_lvs$/, names],
  [
    /^(uid_pool|add_uids|remove_uids)$/,
    { good: [null, [], [[2000, 2010]]], edge: [[[2010, 2000]], [[1, 2, 3]], 'x', [['a', 'b']], [[-1, 5]]] },
  ],
  [/^secondary_ip$/, { good: [null], edge: ['x', '198.51.100.13', '203.0.113.9', ''] }],
  // A list of none is left out: Ganeti takes it, and no instance can be made from then on.
  [/^enabled_hypervisors$/, { good: [['fake'], null], edge: [['nosuch'], 'fake'] }],
  [
    /^enabled_disk_templates$/,
    { good: [['diskless', 'file', 'sharedfile'], null], edge: [[], ['nosuch'], ['diskless'], ['plain']] },
  ],
  [
    /^(master_netdev|master_netmask|vg_name|drbd_helper|zeroing_image|install_image|instance_communication_network|shared_file_storage_dir|gluster_storage_dir)$/,
    { good: [null], edge: [] },
  ],
  [
    /^(use_external_mip_script|data_collector_interval|enabled_data_collectors|diagnose_data_collector_filename|node_whitelist|compression_tools|ssh_key_type|ssh_key_bits)$/,
    { good: [null], edge: [] },
  ],
  [
    /^(x509_|source_|destination_x509|backup_|zero_free|long_sleep|opportunistic|forthcoming|commit|instance_communication|helper_|src_path)/,
    { good: [null], edge: [] },
  ],
];

/** The values of a parameter; `type` is its type in Ganeti's notation. */
export function valuesOf(name: string, type: string): Values {
  const found = table.find(([pattern]) => pattern.test(name));
  if (found) return found[1];
  const choice = /OneOf ([\w, -]+)/.exec(type)?.[1];
  if (choice) return { good: choice.split(', '), edge: ['nosuch', null, ''] };
  if (/Boolean/.test(type)) return flags;
  if (/Integer|Zero|Float/.test(type)) return { good: [0, 1, 2], edge: [-1, null, '1', 1.5] };
  if (/^(None or )?\(?List/.test(type)) return names;
  if (/Dictionary/.test(type)) return { good: [{}], edge: [{ x: 1 }, null, [], 'x'] };
  return text;
}

/** What is wrong for nearly every parameter. */
export const wrong: readonly unknown[] = [
  null,
  true,
  7,
  -1,
  1.5,
  '',
  'nosuch',
  'ü',
  [],
  ['x'],
  {},
  { x: 1 },
  [[]],
  'x'.repeat(300),
];
