import type { EndState, Note, StoredJobRow, StoredOp } from './state.ts';

/** An end of a run with nothing wrong about it: a file instance, a mirrored one, an export, and a job that was cancelled. */
export function goodState(): EndState {
  const web = { instance_name: 'web.example.com' };
  const jobs: StoredJobRow[] = [
    aJob(1, [anOp('OP_NETWORK_ADD', { network_name: 'net1' }, [])]),
    aJob(2, [
      anOp(
        'OP_INSTANCE_CREATE',
        { ...web, pnode: 'node1', start: true, disks: [{ size: 10 }], nics: [{}], tags: [] },
        ['client1-1'],
      ),
    ]),
    aJob(3, [
      anOp(
        'OP_INSTANCE_CREATE',
        {
          instance_name: 'db.example.com',
          pnode: 'node1',
          start: true,
          disks: [{ size: 20 }],
          nics: [],
          tags: [],
        },
        ['client1-2'],
      ),
    ]),
    aJob(4, [anOp('OP_INSTANCE_GROW_DISK', { ...web, disk: 0, amount: 6 }, ['client1-3'])]),
    aJob(5, [
      anOp('OP_BACKUP_EXPORT', { ...web, target_node: 'node2', remove_instance: false }, ['client1-4']),
    ]),
    aJob(6, [anOp('OP_INSTANCE_REMOVE', web, ['client1-5'])], 'canceled'),
    aJob(7, [
      anOp('OP_TAGS_SET', { kind: 'instance', name: 'web.example.com', tags: ['blue'] }, ['client1-6']),
    ]),
    aJob(8, [anOp('OP_INSTANCE_SET_PARAMS', { ...web, beparams: { vcpus: 2 } }, ['client1-7'])]),
    aJob(9, [
      anOp('OP_NETWORK_SET_PARAMS', { network_name: 'net1', add_reserved_ips: ['10.7.1.3'] }, ['client1-8']),
    ]),
    aJob(10, [anOp('OP_NODE_SET_PARAMS', { node_name: 'node2', drained: false }, ['client1-9'])]),
  ];
  return {
    notes: jobs.slice(1).map(noteOf),
    cancels: [{ job: 6, isCanceled: true }],
    setupJobs: 1,
    jobs,
    steps: [],
    secrets: [],
    duties: [],
    objects: {
      cluster: { tags: [], file_storage_dir: '/srv/files', shared_file_storage_dir: '/srv/shared' },
      instances: [
        {
          ...{
            uuid: 'u-web',
            name: 'web.example.com',
            primary_node: 'u-node1',
            ctime: 20,
            admin_state: 'up',
          },
          ...{ disk_template: 'file', disks: ['u-disk1'], tags: ['blue'], beparams: { vcpus: 2 } },
          nics: [{ uuid: 'u-nic1', mac: 'aa:00:00:00:00:01', ip: '10.7.1.2', network: 'u-net1' }],
        },
        {
          ...{ uuid: 'u-db', name: 'db.example.com', primary_node: 'u-node1', ctime: 20, admin_state: 'up' },
          ...{ disk_template: 'drbd', disks: ['u-disk2'], tags: [], nics: [], beparams: {} },
        },
      ],
      disks: [
        {
          ...{ uuid: 'u-disk1', dev_type: 'file', size: 16, instance: 'u-web' },
          logical_id: ['loop', '/srv/files/web.example.com/u-disk1.file.disk0'],
        },
        {
          ...{ uuid: 'u-disk2', dev_type: 'drbd', size: 20, instance: 'u-db' },
          logical_id: ['u-node1', 'u-node2', 11000, 0, 0, 'secret'],
        },
      ],
      nodes: ['node1', 'node2'].map((name) => ({
        ...{ uuid: `u-${name}`, name, group: 'u-default' },
        ...{ offline: false, drained: false, master_candidate: true },
      })),
      groups: [{ uuid: 'u-default', name: 'default', networks: { 'u-net1': {} } }],
      networks: [
        { uuid: 'u-net1', name: 'net1', network: '10.7.1.0/30', reservations: ['10.7.1.0', '10.7.1.3'] },
      ],
    },
    nodes: {
      node1: {
        guests: [
          { name: 'web.example.com', uuid: 'u-web', state: 'running', devices: ['u-disk1', 'u-nic1'] },
          { name: 'db.example.com', uuid: 'u-db', state: 'running', devices: ['u-disk2'] },
        ],
        files: [{ path: 'web.example.com/u-disk1.file.disk0', size: 16, time: 20 }],
        ...{ volumes: [], exports: {}, hidden: [], scripts: [], debris: [] },
      },
      node2: {
        ...{ guests: [], files: [], volumes: [], hidden: [], scripts: [], debris: [] },
        exports: { 'web.example.com': ['config.ini', 'u-disk1.disk0.snap'] },
      },
    },
    shared: [],
    mirrors: {
      'u-disk2': {
        ...{ data: 20, time: 30 },
        sides: {
          node1: { mirror: 'u-node1/u-node2', size: 20, active: true, primary: true },
          node2: { mirror: 'u-node1/u-node2', size: 20, active: true, primary: false },
        },
      },
    },
    debris: [],
    shown: {
      instances: [
        { name: 'web.example.com', status: 'running', pnode: 'node1', admin_state: 'up', sizes: [16] },
        { name: 'db.example.com', status: 'running', pnode: 'node1', admin_state: 'up', sizes: [20] },
      ],
      networks: [{ name: 'net1', free_count: 1, reserved_count: 3, map: 'X.XX' }],
      locks: [],
    },
    ownEnds: [],
    differences: [],
  };
}

function anOp(OP_ID: string, values: Record<string, unknown>, keys: readonly string[]): StoredOp {
  return {
    input: { OP_ID, ...values, reason: keys.map((key) => ['gnt:user', key, 1]) },
    ...{ resolved: {}, status: 'success', result: null, start: null, exec: null, end: null },
    ...{ locks: null, undo: null, log: [] },
  };
}

function aJob(id: number, ops: StoredOp[], status: StoredJobRow['status'] = 'success'): StoredJobRow {
  const [received, start, end] = [10 * id, 10 * id + 1, 10 * id + 3];
  const times = status === 'canceled' ? { end } : { start, exec: start + 1, end };
  const done = ops.map((op) => ({ ...op, ...times, status }));
  const shown = { status, opstatus: done.map((op) => op.status), opresult: done.map(() => null) };
  return { id, status, received, start, end, ops: done, shown };
}

function noteOf({ id, ops, shown }: StoredJobRow): Note {
  const { OP_ID, reason, ...values } = ops[0]?.input ?? { OP_ID: '' };
  const [trail] = (reason ?? []) as [string, string, number][];
  return {
    ...{ key: trail?.[1] ?? '', method: 'POST', path: '/', ops: [OP_ID], values },
    outcome: { kind: 'acknowledged', id },
    seen: shown && { status: shown.status, opresult: shown.opresult },
  };
}
