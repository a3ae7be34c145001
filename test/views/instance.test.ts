import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sealOf } from '../../lib/base/seal.ts';
import type { Instance } from '../../lib/model/instance.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import type { GuestFacts } from '../../lib/rpc/types.ts';
import type { JobSource } from '../../lib/views/define.ts';
import { runQuery } from '../../lib/views/registry.ts';
import {
  aCluster,
  aDisk,
  aGuest,
  aNic,
  aNode,
  anInstance,
  noNodes,
  someFacts,
  viewOf,
} from '../helpers/view.ts';

const noJobs: JobSource = { get: async () => null, all: () => [], locks: () => [] };
const NODATA = [2, null];
const UNAVAIL = [3, null];
const OFFLINE = [4, null];

interface Scene {
  instance: Instance;
  /** Guests by the short name of the node; a node that is missing here cannot be reached. */
  guests?: Record<string, GuestFacts[]>;
  offline?: string[];
  cluster?: Parameters<typeof aCluster>[0];
  disks?: ReturnType<typeof aDisk>[];
  /** How many other instances are read with it. */
  crowd?: number;
}

/** The cells of an instance's fields. */
async function read(scene: Scene, fields: string[]): Promise<readonly unknown[]> {
  const { instance, guests = { node1: [], node2: [] }, offline = [], disks = [], crowd = 0 } = scene;
  const nodes = ['node1', 'node2'].map((short) => aNode(short, { offline: offline.includes(short) }));
  const others = Array.from({ length: crowd }, (_, index) =>
    anInstance(`other${index}`, { admin_state: 'down' }),
  );
  const view = viewOf({ cluster: aCluster(scene.cluster), nodes, instances: [instance, ...others], disks });
  const runtime = new RuntimeTable();
  for (const [short, list] of Object.entries(guests)) runtime.update(`${short}-uuid`, someFacts(list));
  const answer = await runQuery(
    'instance',
    ['uuid', ...fields],
    null,
    { view, whole: view, runtime },
    noJobs,
    noNodes,
  );
  const row = answer.data.find((cells) => cells[0]?.[1] === instance.uuid);
  assert.ok(row);
  return row.slice(1);
}

describe('views/instance: status', () => {
  const running = { node1: [aGuest('web')], node2: [] };
  const stopped = { node1: [], node2: [] };
  const elsewhere = { node1: [], node2: [aGuest('web')] };
  const unknown = (state: 'running' | 'stopped') => ({
    node1: [aGuest('web', { state, trouble: 'its record is of a newer Merapi' })],
    node2: [],
  });
  const byUser = { node1: [aGuest('web', { state: 'stopped', by_user: true })], node2: [] };
  type Case = [
    status: string,
    instance: Partial<Instance>,
    scene: Partial<Scene>,
    state: unknown,
    memory: unknown,
  ];
  /** The guest of a removed instance of the same name, and one whose record the node cannot read. */
  const ofGone = aGuest('web', { uuid: 'uuid-of-one-that-is-gone' });
  const unread = aGuest('web', { uuid: '', trouble: 'its record cannot be read', memory: 1 });
  const [on, off] = [
    [0, true],
    [0, false],
  ];
  const cases: Case[] = [
    ['running', {}, { guests: running }, on, [0, 256]],
    ['running', {}, { guests: { node1: [aGuest('web', { state: 'paused' })], node2: [] } }, on, [0, 256]],
    [
      'running',
      {},
      { guests: { node1: [aGuest('web')], node2: [aGuest('web', { memory: 1 })] } },
      on,
      [0, 256],
    ],
    ['running', {}, { guests: { node1: [aGuest('web')] } }, on, [0, 256]],
    ['ADMIN_down', { admin_state: 'down' }, { guests: stopped }, off, UNAVAIL],
    ['ADMIN_offline', { admin_state: 'offline' }, { guests: stopped }, off, UNAVAIL],
    ['USER_down', { admin_state: 'down', admin_state_source: 'user' }, { guests: stopped }, off, UNAVAIL],
    ['USER_down', {}, { guests: byUser }, off, UNAVAIL],
    ['ADMIN_down', { admin_state: 'down' }, { guests: byUser }, off, UNAVAIL],
    ['ERROR_up', { admin_state: 'down' }, { guests: running }, on, [0, 256]],
    ['ERROR_up', {}, { guests: unknown('running') }, on, [0, 256]],
    ['ERROR_down', { admin_state: 'down' }, { guests: unknown('stopped') }, off, UNAVAIL],
    ['ERROR_up', { admin_state: 'offline' }, { guests: running }, on, [0, 256]],
    ['ERROR_down', {}, { guests: stopped }, off, UNAVAIL],
    ['ERROR_down', {}, { guests: { node1: [aGuest('web', { state: 'stopped' })], node2: [] } }, off, UNAVAIL],
    ['ERROR_wrongnode', {}, { guests: elsewhere }, on, [0, 256]],
    ['ERROR_wrongnode', { admin_state: 'down' }, { guests: elsewhere }, on, [0, 256]],
    [
      'running',
      {},
      { guests: { node1: [aGuest('web', { name: 'before-its-rename.example.com' })] } },
      on,
      [0, 256],
    ],
    ['ERROR_down', {}, { guests: { node1: [ofGone], node2: [] } }, off, UNAVAIL],
    ['ERROR_down', {}, { guests: { node1: [], node2: [ofGone] } }, off, UNAVAIL],
    ['running', {}, { guests: { node1: [aGuest('web')], node2: [ofGone] } }, on, [0, 256]],
    ['ERROR_wrongnode', {}, { guests: { node1: [], node2: [unread] } }, on, [0, 1]],
    ['ERROR_down', {}, { guests: elsewhere, offline: ['node2'] }, off, UNAVAIL],
    ['ERROR_nodedown', {}, { guests: { node2: [] } }, NODATA, NODATA],
    ['ERROR_nodedown', { admin_state: 'down' }, { guests: {} }, NODATA, NODATA],
    ['ERROR_nodeoffline', {}, { guests: running, offline: ['node1'] }, OFFLINE, OFFLINE],
    ['ERROR_nodeoffline', {}, { guests: {}, offline: ['node1'] }, OFFLINE, OFFLINE],
  ];
  for (const crowd of [0, 20])
    for (const [index, [status, instance, scene, state, memory]] of cases.entries())
      it(`${index}: ${status} beside ${crowd} others`, async () => {
        const cells = await read({ instance: anInstance('web', instance), crowd, ...scene }, [
          'status',
          'oper_state',
          'oper_ram',
        ]);
        assert.deepEqual(cells, [[0, status], state, memory]);
      });
});

describe('views/instance: values', () => {
  const instance = anInstance('inst10', {
    disk_template: 'file',
    disks: ['d0', 'd1'],
    nics: [
      aNic('n0', { name: 'eth0', ip: '198.51.100.200' }),
      aNic('n1', {
        mac: 'aa:00:00:00:00:02',
        ip: '198.51.100.201',
        nicparams: { mode: 'routed', link: 'rt1' },
      }),
    ],
    beparams: { minmem: 128, maxmem: 256, vcpus: 2 },
    tags: ['prod', 'web'],
  });
  const disks = [aDisk('d0', { name: 'root' }), aDisk('d1', { size: 32, mode: 'ro' })];

  it('shows a running instance with disks and NICs as recorded', async () => {
    const expected: Record<string, unknown> = {
      name: 'inst10.example.com',
      admin_state: 'up',
      os: 'noop',
      pnode: 'node1.example.com',
      snodes: [],
      disk_template: 'file',
      'nic.ips': ['198.51.100.200', '198.51.100.201'],
      'nic.macs': ['aa:00:00:00:00:01', 'aa:00:00:00:00:02'],
      'nic.modes': ['bridged', 'routed'],
      'nic.uuids': ['n0', 'n1'],
      'nic.names': ['eth0', null],
      'nic.links': ['xen-br0', 'rt1'],
      'nic.networks': [null, null],
      'nic.networks.names': [null, null],
      'nic.bridges': ['xen-br0', null],
      'disk.sizes': [64, 32],
      'disk.spindles': [null, null],
      disk_usage: 96,
      'disk.uuids': ['d0', 'd1'],
      'disk.names': ['root', null],
      beparams: {
        minmem: 128,
        maxmem: 256,
        vcpus: 2,
        auto_balance: true,
        always_failover: false,
        spindle_use: 1,
        memory: 256,
      },
      hvparams: {},
      oper_state: true,
      oper_ram: 256,
      oper_vcpus: 2,
      status: 'running',
      custom_hvparams: {},
      custom_beparams: { minmem: 128, maxmem: 256, vcpus: 2 },
      custom_nicparams: [{}, { mode: 'routed', link: 'rt1' }],
      serial_no: 1,
      tags: ['prod', 'web'],
      'nic.mac/0': 'aa:00:00:00:00:01',
      'disk.size/0': 64,
      'disk.name/0': 'root',
      'nic.ip/1': '198.51.100.201',
      'nic.vlan/1': '',
      'be/memory': 256,
      'pnode.group': 'default',
      disks_active: true,
      sdb_size: 32,
      bridge: 'xen-br0',
      vcpus: 2,
    };
    const guests = { node1: [aGuest('inst10')], node2: [] };
    const cells = await read({ instance, disks, guests }, Object.keys(expected));
    assert.deepEqual(
      cells,
      Object.values(expected).map((value) => [0, value]),
    );
    const beparams = (cells[Object.keys(expected).indexOf('beparams')] as [number, object])[1];
    assert.deepEqual(Object.keys(beparams).at(-1), 'memory');
  });

  it('has no value where the object has none', async () => {
    const missing = ['nic.mac/2', 'disk.size/2', 'disk.name/1', 'nic.name/1', 'nic.bridge/1', 'network_port'];
    const cells = await read({ instance, disks }, [...missing, 'disk.spindles/0', 'nic.network/0']);
    assert.deepEqual(cells, new Array(8).fill(UNAVAIL));
    const bare = await read({ instance: anInstance('bare', { admin_state: 'down' }) }, [
      'disk_usage',
      'disk.sizes',
      'mac',
      'sda_size',
    ]);
    assert.deepEqual(bare, [[0, 0], [0, []], UNAVAIL, UNAVAIL]);
  });

  it('fills hypervisor parameters from cluster and OS, without those of the cluster alone', async () => {
    const kvm = anInstance('kvm', { hypervisor: 'kvm', os: 'demo', hvparams: { kernel_path: '/mine' } });
    const plain = anInstance('plain', { hypervisor: 'kvm', os: 'demo' });
    const cluster = { os_hvp: { demo: { kvm: { acpi: false, kernel_path: '/os' } } } };
    const fields = [
      'hv/acpi',
      'hv/kernel_path',
      'hv/migration_mode',
      'hv/pae',
      'hvparams',
      'custom_hvparams',
    ];
    const cells = await read({ instance: kvm, cluster }, fields);
    assert.deepEqual(cells.slice(0, 4), [[0, false], [0, '/mine'], [1, null], UNAVAIL]);
    const filled = (cells[4] as [number, Record<string, unknown>])[1];
    assert.equal(filled.kernel_path, '/mine');
    assert.equal(filled.cpu_mask, 'all');
    assert.equal('migration_mode' in filled || 'migration_port' in filled, false);
    assert.deepEqual(cells[5], [0, { kernel_path: '/mine' }]);
    assert.deepEqual((await read({ instance: plain, cluster }, fields))[1], [0, '/os']);
  });

  it('never shows private OS parameters', async () => {
    const osparams_private = sealOf(Buffer.alloc(32)).close('{"password":"hunter2"}');
    const secretive = anInstance('web', { osparams: { a: 'own' }, osparams_private });
    const cluster = { osparams: { noop: { a: 'b', c: 'd' } } };
    const cells = await read({ instance: secretive, cluster }, ['osparams', 'custom_osparams']);
    assert.deepEqual(cells, [
      [0, { a: 'own', c: 'd' }],
      [0, { a: 'own' }],
    ]);
  });

  it('tells the console: of a fake guest always, of others while they run', async () => {
    const message = 'Console not available for fake hypervisor';
    const fake = await read({ instance: anInstance('web', { admin_state: 'down' }), guests: {} }, [
      'console',
    ]);
    assert.deepEqual(fake, [[0, { instance: 'web.example.com', kind: 'msg', message }]]);
    const kvm = anInstance('web', { hypervisor: 'kvm' });
    const ssh = {
      instance: 'web.example.com',
      kind: 'ssh' as const,
      host: 'what-it-calls-itself',
      user: 'root',
      command: ['x'],
    };
    const running = { node1: [aGuest('web', { hypervisor: 'kvm', console: ssh })], node2: [] };
    const shown = { ...ssh, host: 'node1.example.com' };
    assert.deepEqual(await read({ instance: kvm, guests: running }, ['console']), [[0, shown]]);
    assert.deepEqual(await read({ instance: kvm }, ['console']), [UNAVAIL]);
    assert.deepEqual(await read({ instance: kvm, guests: {} }, ['console']), [NODATA]);
    assert.deepEqual(await read({ instance: kvm, offline: ['node1'] }, ['console']), [OFFLINE]);
  });

  it('follows changes of the cluster although filled parameters are remembered', async () => {
    assert.deepEqual(await read({ instance }, ['be/spindle_use']), [[0, 1]]);
    const beparams = { ...aCluster().beparams, spindle_use: 3 };
    assert.deepEqual(await read({ instance, cluster: { beparams } }, ['be/spindle_use']), [[0, 3]]);
  });
});
