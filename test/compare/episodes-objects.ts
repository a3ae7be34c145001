import type { Making } from './episodes.ts';
import type { Draft, Episode } from './step.ts';
import { NODES, valuesOf } from './values.ts';

type Parts = Omit<Episode, 'name'>;

const get = (p: string): Draft => ({ m: 'GET', p });
const job = (m: string, p: string, b?: unknown): Draft => ({
  m,
  p,
  ...(b === undefined ? {} : { b }),
  job: true,
});

/** A node group from its making to its end. */
export function groupEpisode({ random, maker }: Making): Parts {
  const [name, other] = ['cmpgrp', 'cmpgrp2'];
  const steps: Draft[] = [
    maker.submit('OP_GROUP_ADD', { group_name: name }),
    get(`/2/groups/${name}`),
    job('POST', '/2/groups', { name }),
  ];
  for (let left = random.int(2, 5); left > 0; left--) {
    const what = random.weighted({ modify: 6, rename: 1, assign: 2, tags: 1 });
    if (what === 'modify')
      steps.push(
        maker.submit('OP_GROUP_SET_PARAMS', {
          group_name: name,
          ...picked('OP_GROUP_SET_PARAMS', random, ['alloc_policy', 'ndparams', 'ipolicy', 'diskparams']),
        }),
      );
    if (what === 'rename')
      steps.push(
        maker.submit('OP_GROUP_RENAME', {
          group_name: name,
          new_name: random.pick([other, 'default', name]),
        }),
        job('PUT', `/2/groups/${other}/rename`, { new_name: name }),
      );
    if (what === 'assign')
      steps.push(
        maker.submit('OP_GROUP_ASSIGN_NODES', {
          group_name: name,
          nodes: random.pick([['node3.example.com'], ['node3'], ['nosuch'], []]),
        }),
      );
    if (what === 'tags') steps.push(...maker.tags(`/2/groups/${name}`));
    steps.push(get(`/2/groups/${name}`));
  }
  return {
    steps: [...steps, get('/2/groups'), maker.submit('OP_GROUP_REMOVE', { group_name: name })],
    cleanup: [
      job('PUT', '/2/groups/default/assign-nodes', { nodes: [...NODES] }),
      job('DELETE', `/2/groups/${name}`),
      job('DELETE', `/2/groups/${other}`),
    ],
  };
}

/** A network from its making to its end. */
export function networkEpisode({ random, maker }: Making): Parts {
  const name = 'cmpnet';
  const path = `/2/networks/${name}`;
  const steps: Draft[] = [
    maker.submit('OP_NETWORK_ADD', {
      network_name: name,
      network: '203.0.113.0/28',
      ...(random.chance(0.5) ? { gateway: '203.0.113.1' } : {}),
    }),
    get(path),
  ];
  for (let left = random.int(2, 5); left > 0; left--) {
    const what = random.weighted({ modify: 6, connect: 3, disconnect: 2, tags: 1 });
    if (what === 'modify')
      steps.push(
        maker.submit('OP_NETWORK_SET_PARAMS', {
          network_name: name,
          ...picked('OP_NETWORK_SET_PARAMS', random, [
            'gateway',
            'add_reserved_ips',
            'remove_reserved_ips',
            'mac_prefix',
            'network6',
            'gateway6',
          ]),
        }),
      );
    if (what === 'connect')
      steps.push(
        maker.submit('OP_NETWORK_CONNECT', {
          network_name: name,
          group_name: 'default',
          network_mode: 'bridged',
          network_link: 'xen-br0',
        }),
      );
    if (what === 'disconnect')
      steps.push(maker.submit('OP_NETWORK_DISCONNECT', { network_name: name, group_name: 'default' }));
    if (what === 'tags') steps.push(...maker.tags(path));
    steps.push(get(path));
  }
  return {
    steps: [...steps, maker.submit('OP_NETWORK_REMOVE', { network_name: name })],
    cleanup: [
      job('PUT', `${path}/disconnect`, { group_name: 'default' }),
      job('DELETE', path),
      get('/2/networks'),
    ],
  };
}

/** Roles and settings of a node; it has no instances meanwhile. */
export function nodeEpisode({ random, maker }: Making): Parts {
  const name = random.pick([...NODES.slice(1), 'node3']);
  const path = `/2/nodes/${name}`;
  const steps: Draft[] = [get(path)];
  const roles = ['regular', 'master-candidate', 'drained', 'offline', 'master', 'nosuch', '', 7, null, {}];
  for (let left = random.int(2, 5); left > 0; left--) {
    const what = random.weighted({
      modify: 6,
      role: 4,
      evacuate: 1,
      migrate: 1,
      storage: 2,
      tags: 1,
      powercycle: 1,
    });
    if (what === 'modify')
      steps.push(
        maker.submit('OP_NODE_SET_PARAMS', {
          node_name: name,
          ...picked('OP_NODE_SET_PARAMS', random, [
            'offline',
            'drained',
            'master_candidate',
            'master_capable',
            'vm_capable',
            'ndparams',
            'auto_promote',
            'powered',
          ]),
        }),
      );
    if (what === 'role')
      steps.push(
        job(
          'PUT',
          `${path}/role${random.pick(['', '?force=1', '?auto-promote=1', '?force=x'])}`,
          random.pick<unknown>(roles),
        ),
        get(`${path}/role`),
      );
    if (what === 'evacuate')
      steps.push(
        maker.submit('OP_NODE_EVACUATE', {
          node_name: name,
          mode: random.pick(['primary-only', 'secondary-only', 'all']),
          iallocator: 'hail',
        }),
      );
    if (what === 'migrate') steps.push(maker.submit('OP_NODE_MIGRATE', { node_name: name }));
    if (what === 'storage') steps.push(storage(random, path));
    if (what === 'tags') steps.push(...maker.tags(path));
    if (what === 'powercycle') steps.push(job('POST', '/2/nodes/nosuch/powercycle'));
    steps.push(get(path));
  }
  return {
    steps: [...steps, get('/2/nodes')],
    cleanup: [
      job('PUT', `${path}/role?force=1`, 'regular'),
      job('POST', `${path}/modify`, { vm_capable: true }),
      job('POST', `${path}/modify`, { master_capable: true }),
      job('POST', `${path}/modify`, { ndparams: { spindle_count: 'default', cpu_speed: 'default' } }),
      job('PUT', `${path}/role?force=1`, 'master-candidate'),
      job('DELETE', `${path}/tags?tag=t1`),
      job('DELETE', `${path}/tags?tag=t2`),
      job('DELETE', `${path}/tags?tag=T1`),
    ],
  };
}

function storage(random: Making['random'], path: string): Draft {
  const type = random.pick(['file', 'sharedfile', 'lvm-vg', 'lvm-pv', 'diskless', 'nosuch', '']);
  return random.pick([
    job(
      'GET',
      `${path}/storage?storage_type=${type}&output_fields=${random.pick(['name', 'name,size', 'nosuch', ''])}`,
    ),
    job(
      'PUT',
      `${path}/storage/modify?storage_type=${type}&name=x${random.pick(['', '&allocatable=1', '&allocatable=x'])}`,
    ),
    job('PUT', `${path}/storage/repair?storage_type=${type}&name=x`),
  ]);
}

/** The bounds and the usual size of instances in the lab, as lab.sh sets them. */
const least = {
  ...{ 'memory-size': 4, 'cpu-count': 1, 'disk-count': 0, 'disk-size': 0 },
  ...{ 'nic-count': 0, 'spindle-use': 0 },
};
const most = {
  ...{ 'memory-size': 32768, 'cpu-count': 8, 'disk-count': 16, 'disk-size': 1048576 },
  ...{ 'nic-count': 8, 'spindle-use': 12 },
};
const usual = {
  ...{ 'memory-size': 128, 'cpu-count': 1, 'disk-count': 1, 'disk-size': 1024 },
  ...{ 'nic-count': 1, 'spindle-use': 1 },
};

/** What the cluster's parameters are in the lab, to bring them back. */
const clusterDefaults: Readonly<Record<string, unknown>> = {
  candidate_pool_size: 10,
  max_running_jobs: 20,
  max_tracked_jobs: 25,
  beparams: {
    vcpus: 1,
    maxmem: 128,
    minmem: 128,
    auto_balance: true,
    spindle_use: 1,
    always_failover: false,
  },
  nicparams: { link: 'xen-br0', mode: 'bridged', vlan: '' },
  mac_prefix: 'aa:00:00',
  ndparams: {
    spindle_count: 1,
    cpu_speed: 1,
    oob_program: '',
    ssh_port: 22,
    exclusive_storage: false,
    ovs: false,
  },
  ipolicy: {
    'vcpu-ratio': 4,
    'spindle-ratio': 32,
    minmax: [{ min: least, max: most }],
    std: usual,
    'disk-templates': [
      'blockdev',
      'diskless',
      'drbd',
      'ext',
      'file',
      'gluster',
      'plain',
      'rbd',
      'sharedfile',
    ],
  },
  enabled_disk_templates: ['diskless', 'file', 'sharedfile'],
  uid_pool: [],
  reserved_lvs: [],
  maintain_node_health: false,
  prealloc_wipe_disks: false,
  default_iallocator: 'hail',
  hidden_os: [['remove', 'noop']],
  blacklisted_os: [['remove', 'noop']],
  diskparams: { drbd: { 'resync-rate': 61440 }, plain: { stripes: 1 } },
  osparams: { noop: { a: 'default' } },
};

/** The cluster's own parameters and tags. */
export function clusterEpisode({ random, maker }: Making): Parts {
  const touched = new Set<string>();
  const steps: Draft[] = [];
  for (let left = random.int(2, 4); left > 0; left--) {
    const name = random.pick(Object.keys(clusterDefaults));
    const step = maker.submit('OP_CLUSTER_SET_PARAMS', picked('OP_CLUSTER_SET_PARAMS', random, [name]));
    for (const each of Object.keys((step.b ?? {}) as object)) touched.add(each);
    steps.push(step);
    if (random.chance(0.2)) steps.push(...maker.tags('/2'));
    if (random.chance(0.1)) steps.push(maker.submit('OP_CLUSTER_REDIST_CONF', {}));
    steps.push(get('/2/info'));
  }
  const back = Object.entries(clusterDefaults).filter(([name]) => touched.has(name));
  return {
    steps,
    cleanup: [
      ...back.map(([name, value]) => job('PUT', '/2/modify', { [name]: value })),
      ...['t1', 't2', 'T1', 'x'.repeat(128), 'a%2Fb%3Ac%2Bd']
        .filter((tag) => steps.some(({ p }) => p.includes(`tag=${tag}`)))
        .map((tag) => job('DELETE', `/2/tags?tag=${tag}`)),
    ],
  };
}

/** A value for one of some parameters. */
function picked(opcode: string, random: Making['random'], names: readonly string[]): Record<string, unknown> {
  const name = random.pick(names);
  const { good, edge } = valuesOf(
    name,
    /Set|capable|candidate|drained|offline|promote|powered|maintain|prealloc/.test(name) ? 'Boolean' : opcode,
  );
  const values = random.chance(0.5) || edge.length === 0 ? good : edge;
  return { [name]: random.pick(values) };
}
