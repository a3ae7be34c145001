import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import type { Job } from '../../lib/model/job.ts';
import { resources } from '../../lib/query/resources.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { clusterValues } from '../../lib/views/cluster-row.ts';
import type { JobSource, NodeSource } from '../../lib/views/define.ts';
import { exportValues } from '../../lib/views/export.ts';
import { filterValues } from '../../lib/views/filter.ts';
import { groupValues } from '../../lib/views/group.ts';
import { instanceValues } from '../../lib/views/instance.ts';
import { jobValues } from '../../lib/views/job.ts';
import { lockValues } from '../../lib/views/lock.ts';
import { networkValues } from '../../lib/views/network.ts';
import { nodeValues } from '../../lib/views/node.ts';
import { osValues } from '../../lib/views/os.ts';
import { runQuery } from '../../lib/views/registry.ts';
import { aCluster, aGroup, aGuest, aNode, anInstance, noNodes, someFacts, viewOf } from '../helpers/view.ts';

function aJob(id: number, patch: Partial<Job> = {}): Job {
  const input = { OP_ID: 'OP_TAGS_SET', kind: 'cluster', tags: ['x'], priority: 0 };
  const times = { start: id + 0.5, exec: id + 0.5, end: id + 1 };
  const op = {
    input,
    resolved: {},
    status: 'success' as const,
    result: null,
    failure: null,
    log: [],
    ...times,
  };
  return {
    id,
    status: 'success',
    priority: 0,
    ops: [op],
    received: id,
    start: id + 0.5,
    end: id + 1,
    archived: false,
    ...patch,
  };
}

/** Jobs 1 to 12, of which 3 is archived; it notes how it was asked. */
function jobSource(): JobSource & { asked: string[] } {
  const jobs = Array.from({ length: 12 }, (_, index) => aJob(index + 1, { archived: index === 2 }));
  const asked: string[] = [];
  return {
    asked,
    async get(id) {
      asked.push(`get ${id}`);
      return jobs.find((job) => job.id === id) ?? null;
    },
    async *all() {
      asked.push('all');
      yield* jobs.filter((job) => !job.archived);
    },
    locks: () => [],
  };
}

const names = ['node10', 'node2', 'node1'];
const nodes = names.map((short) =>
  aNode(short, {
    tags: short === 'node2' ? ['ssd'] : [],
    offline: short === 'node10',
    ndparams: { spindle_count: 3 },
  }),
);
const instances = [
  anInstance('web10', { primary_node: 'node2-uuid', tags: ['web'] }),
  anInstance('web9', { admin_state: 'down', beparams: { vcpus: 2 } }),
];
const groups = [
  aGroup({
    ndparams: { ovs: true },
    diskparams: { drbd: { 'resync-rate': 1000 } },
    ipolicy: { 'vcpu-ratio': 3.5 },
  }),
  aGroup({ name: 'Empty' }),
];
const view = viewOf({ nodes, groups, instances });
const runtime = new RuntimeTable();
runtime.update('node2-uuid', someFacts([aGuest('web10')], { spindles_total: null }));

const osNodes: NodeSource = {
  exports: async () => [{ node: 'node1.example.com', instance: 'web1.example.com' }],
  operatingSystems: async () => [
    {
      name: 'debian',
      valid: true,
      nodes: {
        node1: [
          {
            path: '/os/debian',
            valid: true,
            message: '',
            variants: ['stable'],
            parameters: [['suite', 'the suite']],
            api_versions: [20],
            trusted: true,
          },
        ],
      },
      variants: ['stable'],
      parameters: [['suite', 'the suite']],
      api_versions: [20],
      trusted: true,
    },
  ],
};

async function ask(
  resource: string,
  fields: string[],
  filter: unknown = null,
  jobs: JobSource = jobSource(),
) {
  return (await runQuery(resource, fields, filter, { view, whole: view, runtime }, jobs, osNodes)).data;
}

describe('views/registry', () => {
  it('has a value for every field and for nothing else', () => {
    const values = {
      instance: instanceValues,
      node: nodeValues,
      group: groupValues,
      job: jobValues,
      network: networkValues,
      filter: filterValues,
      lock: lockValues,
      os: osValues,
      cluster: clusterValues,
      export: exportValues,
    };
    for (const [name, table] of Object.entries(resources))
      assert.deepEqual([...values[name as keyof typeof values].keys()].sort(), [...table.keys()].sort());
  });

  it('can read every field of every resource', async () => {
    for (const [name, table] of Object.entries(resources)) {
      const fields = [...table.keys()];
      for (const row of await ask(name, fields))
        for (const [place, [status, value]] of row.entries()) {
          assert.ok([0, 2, 3, 4].includes(status), `${name} ${fields[place]}`);
          assert.ok(status === 0 ? value !== undefined : value === null, `${name} ${fields[place]}`);
        }
    }
  });

  it('answers in the order of names, with unknown and repeated fields, or no field at all', async () => {
    assert.deepEqual(await ask('node', ['name', 'nosuch', 'role']), [
      [
        [0, 'node1.example.com'],
        [1, null],
        [0, 'M'],
      ],
      [
        [0, 'node2.example.com'],
        [1, null],
        [0, 'C'],
      ],
      [
        [0, 'node10.example.com'],
        [1, null],
        [0, 'O'],
      ],
    ]);
    assert.deepEqual(await ask('node', []), [[], [], []]);
  });

  it('reads a repeated field once for each object, and answers it in each place', async () => {
    let reads = 0;
    const job = Object.defineProperty(aJob(1), 'status', {
      get: () => {
        reads += 1;
        return 'success';
      },
    });
    const source: JobSource = { get: async () => job, all: () => [job], locks: () => [] };
    const fields = Array.from({ length: 900 }, (_, index) => (index % 3 === 0 ? 'status' : 'id'));
    const wanted = fields.map((field) => [0, field === 'status' ? 'success' : 1]);
    assert.deepEqual(await ask('job', fields, null, source), [wanted]);
    assert.equal(reads, 1);
  });

  it('refuses more fields, and longer names, than anybody needs', async () => {
    assert.equal((await ask('cluster', Array(1000).fill('name')))[0]?.length, 1000);
    await assert.rejects(ask('cluster', Array(1001).fill('name')), /1001 fields are requested; at most 1000/);
    await assert.rejects(ask('cluster', ['n'.repeat(201)]), /at most 200 characters; 'n{40}…' has 201/);
  });

  const filters: [string, unknown, string[]][] = [
    ['node', ['=', 'name', 'node2.example.com'], ['node2.example.com']],
    ['node', ['=', 'name', 'NODE2'], ['node2.example.com']],
    ['node', ['=', 'uuid', 'node10-uuid'], ['node10.example.com']],
    ['node', ['=', 'name', 'nosuch'], []],
    [
      'node',
      ['|', ['=', 'name', 'node10'], ['=', 'name', 'node1.example.com']],
      ['node1.example.com', 'node10.example.com'],
    ],
    ['node', ['&', ['=', 'name', 'node1'], ['?', 'offline']], []],
    ['node', ['!=', 'name', 'node1'], ['node2.example.com', 'node10.example.com']],
    ['node', ['=[]', 'tags', 'ssd'], ['node2.example.com']],
    ['node', ['>', 'ctotal', 0], ['node2.example.com']],
    ['node', ['=~', 'name', '^node[12]\\.'], ['node1.example.com', 'node2.example.com']],
    ['instance', ['=[]', 'tags', 'web'], ['web10.example.com']],
    ['instance', ['>', 'be/vcpus', 1], ['web9.example.com']],
    ['instance', ['=', 'pnode', 'node2'], ['web10.example.com']],
    [
      'instance',
      ['|', ['=', 'status', 'running'], ['=', 'admin_state', 'down']],
      ['web9.example.com', 'web10.example.com'],
    ],
    ['group', ['=', 'name', 'Empty'], ['Empty']],
    ['group', ['=', 'name', 'empty'], []],
  ];
  for (const [resource, filter, expected] of filters)
    it(`${resource} ${JSON.stringify(filter)}`, async () => {
      const rows = await ask(resource, ['name'], filter);
      assert.deepEqual(
        rows.flat().map(([, value]) => value),
        expected,
      );
    });

  it('looks many names up at once, abbreviations among them', async () => {
    const many = Array.from({ length: 30 }, (_, index) => ['=', 'name', `web${index}`]);
    assert.equal((await ask('instance', ['name'], ['|', ...many])).length, 2);
  });

  it('does not list the objects when a filter names them in full', async () => {
    const table = {
      ...view.instances,
      get: () => undefined,
      named: () => instances[0],
      list: () => assert.fail('listed'),
    };
    const few = { ...view, cluster: aCluster(), instances: table };
    const narrow = { view: few, whole: few, runtime };
    const answer = await runQuery(
      'instance',
      ['name'],
      ['=', 'name', 'web10.example.com'],
      narrow,
      jobSource(),
      noNodes,
    );
    assert.equal(answer.data.length, 1);
  });

  it('refuses unknown resources and wrong filters', async () => {
    const refused = (error: unknown) => error instanceof MerapiError && error.code === 'wrong_input';
    await assert.rejects(ask('unknown', ['name']), refused);
    await assert.rejects(ask('node', ['name'], ['=', 'nosuch', 1]), refused);
    await assert.rejects(ask('node', ['name'], []), refused);
  });

  it('tells of the cluster itself', async () => {
    const fields = ['cluster_name', 'master_node', 'drain_flag', 'watcher_pause', 'volume_group_name'];
    const { name } = view.cluster;
    const master = view.nodes.get(view.cluster.master_node)?.name;
    const cells = [
      [0, name],
      [0, master],
      [0, false],
      [3, null],
      [3, null],
    ];
    assert.deepEqual(await ask('cluster', fields, ['=', 'cluster_name', name]), [cells]);
    assert.deepEqual(await ask('cluster', fields, ['=', 'cluster_name', 'other']), []);
  });

  it('asks the nodes for OS definitions', async () => {
    const fields = ['name', 'valid', 'hidden', 'variants', 'node_status'];
    const told = ['/os/debian', true, '', ['stable'], [['suite', 'the suite']], [20], true];
    const values = ['debian', true, false, ['stable'], { node1: [told] }];
    const cells = values.map((value) => [0, value]);
    assert.deepEqual(await ask('os', fields, ['=[]', 'variants', 'stable']), [cells]);
    assert.deepEqual(await ask('os', fields, ['?', 'hidden']), []);
  });

  it('gives jobs by ascending id, archived ones by their id only', async () => {
    const source = jobSource();
    const ids = async (filter: unknown) =>
      (await ask('job', ['id'], filter, source)).flat().map(([, id]) => id);
    assert.deepEqual(await ids(['<=', 'id', 4]), [1, 2, 4]);
    assert.deepEqual(source.asked.splice(0), ['all']);
    assert.deepEqual(
      await ids(['|', ['=', 'id', '10'], ['=', 'id', 3], ['=', 'id', 99], ['=', 'id', 1.5]]),
      [3, 10],
    );
    assert.deepEqual(source.asked, ['get 3', 'get 10', 'get 99']);
    assert.deepEqual(await ids(['>', 'end_ts', 12.5]), [12]);
    assert.deepEqual(await ids(['=', 'status', 'nosuch']), []);
  });

  it('shows the fields of a job', async () => {
    const fields = ['status', 'summary', 'priority', 'ops', 'opstatus', 'start_ts', 'opexec', 'oppriority'];
    const op = { priority: 0, depends: undefined, OP_ID: 'OP_TAGS_SET', kind: 'cluster', tags: ['x'] };
    delete op.depends;
    assert.deepEqual(await ask('job', fields, ['=', 'id', 7]), [
      ['success', ['TAGS_SET'], 0, [op], ['success'], 7.5, [7.5], [0]].map((value) => [0, value]),
    ]);
    const waiting: JobSource = {
      get: async (id) => aJob(id, { start: null, end: null }),
      all: () => [],
      locks: () => [],
    };
    assert.deepEqual(await ask('job', ['start_ts', 'end_ts'], ['=', 'id', 7], waiting), [
      [
        [3, null],
        [3, null],
      ],
    ]);
  });

  it('shows what nodes tell, and why they do not', async () => {
    const rows = await ask('node', [
      'mtotal',
      'cnos',
      'sptotal',
      'pinst_list',
      'ndp/spindle_count',
      'ndp/ovs',
    ]);
    const own = [
      [0, 3],
      [0, true],
    ];
    assert.deepEqual(rows, [
      [[2, null], [2, null], [2, null], [0, ['web9.example.com']], ...own],
      [[0, 16384], [0, 4], [3, null], [0, ['web10.example.com']], ...own],
      [[4, null], [4, null], [4, null], [0, []], ...own],
    ]);
  });

  it('shows groups, filled in and their own', async () => {
    const fields = [
      'name',
      'node_cnt',
      'node_list',
      'pinst_cnt',
      'pinst_list',
      'custom_ndparams',
      'custom_ipolicy',
    ];
    assert.deepEqual(await ask('group', fields, ['=', 'name', 'default']), [
      [
        'default',
        3,
        ['node1.example.com', 'node2.example.com', 'node10.example.com'],
        2,
        ['web9.example.com', 'web10.example.com'],
        { ovs: true },
        { 'vcpu-ratio': 3.5 },
      ].map((value) => [0, value]),
    ]);
    const [row] = await ask(
      'group',
      ['ndparams', 'ipolicy', 'diskparams', 'ndp/ovs'],
      ['=', 'name', 'default'],
    );
    assert.ok(row);
    const [ndparams, ipolicy, diskparams] = row.map(([, value]) => value as Record<string, unknown>);
    assert.deepEqual(ndparams, { ...aCluster().ndparams, ovs: true });
    assert.deepEqual(ipolicy, { ...aCluster().ipolicy, 'vcpu-ratio': 3.5 });
    assert.deepEqual(diskparams, { ...aCluster().diskparams, drbd: { 'resync-rate': 1000 } });
    assert.deepEqual(row[3], [0, true]);
  });
});
