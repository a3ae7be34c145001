import type { Random } from '../helpers/random.ts';
import type { Making } from './episodes.ts';
import type { Draft, Episode } from './step.ts';
import { beparams, disk, INSTANCES, NODES, nic } from './values.ts';

type Parts = Omit<Episode, 'name'>;

const ownNames = { name_check: false, ip_check: false };
const get = (p: string): Draft => ({ m: 'GET', p });
const removal = (name: string): Draft => ({ m: 'DELETE', p: `/2/instances/${name}`, job: true });

/** Parameters of a new instance that both take. */
function newInstance(random: Random, instance_name: string): Record<string, unknown> {
  const disk_template = random.weighted({ file: 5, sharedfile: 2, diskless: 1 });
  const disks = Array.from({ length: random.int(1, 2) }, () => ({ size: random.pick([4, 8, 64, 128]) }));
  return {
    instance_name,
    mode: 'create',
    os_type: 'noop',
    disk_template,
    disks: disk_template === 'diskless' ? [] : disks,
    nics: random.pick([[], [{}], [{}, {}], [random.pick(nic.good)]]),
    pnode: random.pick(NODES),
    ...ownNames,
    ...(random.chance(0.3) ? { start: false } : {}),
    ...(random.chance(0.2) ? { beparams: random.pick(beparams.good) } : {}),
  };
}

const created = ({ instance_name: name, os_type: os, ...values }: Record<string, unknown>): Draft => ({
  m: 'POST',
  p: '/2/instances',
  b: { __version__: 1, name, os, ...values },
  job: true,
});

/** A request for a new instance, right or wrong, and how the cluster looks then. */
export function creationEpisode({ random, maker }: Making): Parts {
  const names = INSTANCES.slice(0, random.int(1, 3));
  const steps = names.flatMap((name) => {
    const values = newInstance(random, name);
    if (random.chance(0.2)) Object.assign(values, { disks: [random.pick([...disk.good, ...disk.edge])] });
    if (random.chance(0.2)) Object.assign(values, { nics: [random.pick([...nic.good, ...nic.edge])] });
    if (random.chance(0.15)) Object.assign(values, { pnode: undefined, iallocator: 'hail' });
    return [
      maker.submit('OP_INSTANCE_CREATE', JSON.parse(JSON.stringify(values))),
      get(`/2/instances/${name}`),
    ];
  });
  if (random.chance(0.15)) steps.push(several(random));
  return { steps: [...steps, get('/2/instances')], cleanup: INSTANCES.slice(0, 4).map(removal) };
}

/** Several instances in one request. */
function several(random: Random): Draft {
  const instances = INSTANCES.slice(2, random.int(3, 4)).map((each) => {
    const { instance_name: name, os_type: os, ...values } = newInstance(random, each);
    return { __version__: undefined, name, os, ...values };
  });
  return {
    m: 'POST',
    p: '/2/instances-multi-alloc',
    b: { instances: JSON.parse(JSON.stringify(instances)) },
    job: true,
  };
}

/** An instance, and what can be done to it. */
export function instanceEpisode(making: Making): Parts {
  const { random } = making;
  const [name, other] = [random.pick(INSTANCES.slice(0, 2)), random.pick(INSTANCES.slice(2, 4))];
  const steps = [created(newInstance(random, name)), get(`/2/instances/${name}`)];
  for (let left = random.int(4, 8); left > 0; left--) {
    steps.push(...change(making, name, other));
    if (random.chance(0.5)) steps.push(get(`/2/instances/${name}`));
  }
  const isRenamed = steps.some(({ p }) => p.endsWith('/rename') || p.includes('/rename?'));
  return { steps, cleanup: [name, ...(isRenamed ? [other] : [])].map(removal) };
}

const changes = {
  startup: 4,
  shutdown: 4,
  reboot: 3,
  modify: 8,
  nics: 4,
  disks: 5,
  rename: 2,
  reinstall: 3,
  'activate-disks': 1,
  'deactivate-disks': 1,
  'recreate-disks': 1,
  'replace-disks': 1,
  grow: 3,
  migrate: 2,
  failover: 2,
  export: 1,
  'prepare-export': 1,
  tags: 2,
  info: 2,
  console: 1,
  remove: 1,
  move: 1,
} as const;

function change({ random, maker }: Making, name: string, other: string): Draft[] {
  const path = `/2/instances/${name}`;
  const it = { instance_name: name };
  switch (random.weighted(changes)) {
    case 'startup':
      return [maker.submit('OP_INSTANCE_STARTUP', it)];
    case 'shutdown':
      return [maker.submit('OP_INSTANCE_SHUTDOWN', it)];
    case 'reboot':
      return [
        maker.submit('OP_INSTANCE_REBOOT', { ...it, reboot_type: random.pick(['soft', 'hard', 'full']) }),
      ];
    case 'modify':
      return [maker.submit('OP_INSTANCE_SET_PARAMS', { ...it, ...modification(random) })];
    case 'nics':
      return [maker.submit('OP_INSTANCE_SET_PARAMS', { ...it, nics: deviceChanges(random, nic) })];
    case 'disks':
      return [maker.submit('OP_INSTANCE_SET_PARAMS', { ...it, disks: deviceChanges(random, disk) })];
    case 'rename': {
      const back = (from: string, to: string) =>
        maker.submit('OP_INSTANCE_RENAME', { instance_name: from, new_name: to, ...ownNames });
      return [back(name, other), get(`/2/instances/${other}`), back(other, name)];
    }
    case 'reinstall':
      return [reinstall(random, path)];
    case 'activate-disks':
      return [maker.submit('OP_INSTANCE_ACTIVATE_DISKS', it)];
    case 'deactivate-disks':
      return [maker.submit('OP_INSTANCE_DEACTIVATE_DISKS', it)];
    case 'recreate-disks':
      return [
        maker.submit('OP_INSTANCE_RECREATE_DISKS', {
          ...it,
          ...(random.chance(0.5) ? { disks: [random.pick([0, [0, {}], 5])] } : {}),
        }),
      ];
    case 'replace-disks':
      return [
        maker.submit('OP_INSTANCE_REPLACE_DISKS', {
          ...it,
          mode: random.pick(['replace_on_primary', 'replace_auto', 'replace_new_secondary']),
          disks: random.pick([[0], [], [1]]),
        }),
      ];
    case 'grow':
      return [
        maker.submit('OP_INSTANCE_GROW_DISK', {
          ...it,
          disk: random.pick([0, 0, 1, 7]),
          amount: random.pick([4, 8, 5]),
        }),
      ];
    case 'migrate':
      return [
        maker.submit('OP_INSTANCE_MIGRATE', {
          ...it,
          ...(random.chance(0.7) ? { target_node: random.pick(NODES) } : {}),
        }),
      ];
    case 'failover':
      return [
        maker.submit('OP_INSTANCE_FAILOVER', {
          ...it,
          ...(random.chance(0.7) ? { target_node: random.pick(NODES) } : {}),
        }),
      ];
    case 'export':
      return [
        maker.submit('OP_BACKUP_EXPORT', {
          ...it,
          mode: 'local',
          target_node: random.pick(['nosuch', '']),
          shutdown: true,
        }),
      ];
    case 'prepare-export':
      return [maker.submit('OP_BACKUP_PREPARE', { ...it, mode: random.pick(['local', 'remote', 'x']) })];
    case 'tags':
      return maker.tags(path);
    case 'info':
      return [
        { m: 'GET', p: `${path}/info${random.pick(['', '?static=1', '?static=0', '?static=x'])}`, job: true },
      ];
    case 'console':
      return [get(`${path}/console`)];
    case 'remove':
      return [{ ...removal(name), p: `${path}?dry-run=1` }];
    case 'move':
      return [
        {
          m: 'POST',
          p: `/2/nodes/${random.pick(NODES)}/${random.pick(['migrate', 'evacuate'])}`,
          b: random.pick([
            {},
            { mode: 'primary-only', iallocator: 'hail' },
            { mode: 'all', remote_node: 'nosuch' },
            { mode: null },
          ]),
          job: true,
        },
      ];
  }
}

function modification(random: Random): Record<string, unknown> {
  return random.pick<Record<string, unknown>>([
    { beparams: random.pick([...beparams.good, ...beparams.edge]) },
    { hvparams: random.pick<unknown>([{}, { migration_mode: 'live' }, { nosuch: 1 }, { acpi: false }]) },
    { osparams: random.pick<unknown>([{ a: 'b' }, { a: 'default' }, {}, { a: 1 }]) },
    { os_name: random.pick(['noop', 'nosuch', 'noop+x']), force: random.chance(0.3) },
    { offline: random.chance(0.5) },
    { disk_template: random.pick(['file', 'sharedfile', 'diskless', 'plain', 'nosuch']) },
    { pnode: random.pick([...NODES, 'nosuch']) },
    { runtime_mem: random.pick([64, 128, 512]) },
    {},
  ]);
}

/** One or two changes of devices, in the new form or in the old one. */
function deviceChanges(
  random: Random,
  { good, edge }: { good: readonly unknown[]; edge: readonly unknown[] },
): unknown[] {
  const values = () => random.pick(random.chance(0.6) ? good : edge);
  return Array.from({ length: random.int(1, 2) }, () =>
    random.pick<unknown>([
      ['add', values()],
      ['add', -1, values()],
      ['add', 0, values()],
      [0, values()],
      ['modify', 0, values()],
      ['modify', 0, { mode: 'ro' }],
      ['modify', 0, { name: 'x1' }],
      ['modify', -1, values()],
      ['modify', 'x1', values()],
      ['remove', {}],
      ['remove', 0, {}],
      ['remove', -1, {}],
      ['remove', 9, {}],
      ['detach', 0, {}],
      ['nosuch', 0, {}],
      [],
    ]),
  );
}

function reinstall(random: Random, path: string): Draft {
  const bodies: unknown[] = [
    {},
    { os: 'noop' },
    { os: 'nosuch' },
    { start: false },
    { osparams: { a: 'b' } },
    { osparams: null },
    { nosuch: 1 },
    { start: 'x' },
    { os: null },
    [],
  ];
  const p = random.chance(0.3)
    ? `${path}/reinstall?${random.pick(['os=noop', 'os=nosuch', 'nostartup=1', 'os=noop&nostartup=1', 'nostartup=x'])}`
    : `${path}/reinstall`;
  return { m: 'POST', p, ...(random.chance(0.7) ? { b: random.pick(bodies) } : {}), job: true };
}

/** A network, connected to the node group, and an instance with a NIC in it. */
export function networkedEpisode({ random, maker }: Making): Parts {
  const [name, network] = [INSTANCES[4] as string, 'cmpnet'];
  const inNetwork = (): unknown =>
    random.pick<unknown>([
      { network },
      { network, ip: 'pool' },
      { network, ip: '203.0.113.9' },
      { network, ip: '203.0.113.1' },
      { network, ip: '203.0.113.99' },
      { network, ip: 'none' },
      { network, mode: 'bridged' },
      { network, link: 'xen-br0' },
      { network, mac: 'generate' },
      { ip: '203.0.113.9' },
      { ip: 'pool' },
      { network: '' },
      { network: null },
    ]);
  const values = { ...newInstance(random, name), disk_template: 'diskless', disks: [], nics: [inNetwork()] };
  const steps: Draft[] = [
    {
      m: 'POST',
      p: '/2/networks',
      b: {
        network_name: network,
        network: '203.0.113.0/28',
        gateway: '203.0.113.1',
        ...(random.chance(0.3) ? { mac_prefix: 'aa:11:22' } : {}),
      },
      job: true,
    },
    {
      m: 'PUT',
      p: `/2/networks/${network}/connect`,
      b: { group_name: 'default', network_mode: 'bridged', network_link: 'xen-br0' },
      job: true,
    },
    created(values),
    get(`/2/instances/${name}`),
    get(`/2/networks/${network}`),
  ];
  for (let left = random.int(2, 4); left > 0; left--)
    steps.push(
      maker.submit('OP_INSTANCE_SET_PARAMS', {
        instance_name: name,
        nics: [
          random.pick<unknown>([
            ['add', inNetwork()],
            ['modify', 0, inNetwork()],
            ['add', -1, inNetwork()],
            ['remove', -1, {}],
          ]),
        ],
      }),
      get(`/2/instances/${name}`),
      get(`/2/networks/${network}`),
    );
  if (random.chance(0.5))
    steps.push({ m: 'PUT', p: `/2/networks/${network}/disconnect`, b: { group_name: 'default' }, job: true });
  return {
    steps,
    cleanup: [
      removal(name),
      { m: 'PUT', p: `/2/networks/${network}/disconnect`, b: { group_name: 'default' }, job: true },
      { m: 'DELETE', p: `/2/networks/${network}`, job: true },
    ],
  };
}
