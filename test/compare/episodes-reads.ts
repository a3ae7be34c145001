import type { Making } from './episodes.ts';
import { fieldsOf } from './fields.ts';
import type { Draft, Episode } from './step.ts';
import { INSTANCES, NODES } from './values.ts';

type Parts = Omit<Episode, 'name'>;

const get = (p: string): Draft => ({ m: 'GET', p });

/** A job, seen from all sides. */
export function jobEpisode({ random }: Making): Parts {
  const fields = random.pick<unknown>([
    ['status'],
    ['status', 'nosuch'],
    [],
    'status',
    null,
    ['opstatus', 'summary'],
  ]);
  return {
    steps: [
      {
        m: 'POST',
        p: '/2/groups',
        b: { name: 'cmpjob', comment: 'a remark', priority: random.pick([0, 10, -10, 3]) },
        set: 'j',
        job: true,
      },
      get('/2/jobs/{j}'),
      { m: 'DELETE', p: '/2/jobs/{j}' },
      {
        m: 'GET',
        p: '/2/jobs/{j}/wait',
        b: {
          fields,
          previous_job_info: random.pick<unknown>([null, ['success'], 'x']),
          previous_log_serial: random.pick<unknown>([null, 0, 'x']),
        },
      },
      {
        m: 'PUT',
        p: '/2/query/job',
        b: { fields: ['id', 'status', 'ops', 'priority', 'nosuch'], qfilter: ['=', 'id', '{j}'] },
      },
      get(`/2/jobs/${random.pick(['99999999', '0', 'x', '-1'])}`),
      { m: 'DELETE', p: `/2/jobs/${random.pick(['99999999', '0'])}` },
      {
        m: 'DELETE',
        p: '/2/groups/cmpjob',
        b: { depends: [['{j}', random.pick([['success'], ['error'], [], ['nosuch']])]] },
        job: true,
      },
    ],
    cleanup: [{ m: 'DELETE', p: '/2/groups/cmpjob', job: true }],
  };
}

const predicates: unknown[] = [
  [['jobid', ['=', 'id', 1]]],
  [['jobid', ['>', 'id', 'watermark']]],
  [['opcode', ['=', 'OP_ID', 'OP_TEST_DELAY']]],
  [['opcode', ['=', 'nosuch', 1]]],
  [['reason', ['=', 'source', 'gnt:x']]],
  [['reason', ['=~', 'reason', 'x']]],
  [['bogus', ['=', 'id', 1]]],
  [['jobid', []]],
  [['jobid']],
  [],
  'x',
  null,
  [['opcode', ['&']]],
];

/** Job filters; their actions concern no job of the lab but that of the last step. */
export function filterEpisode({ random }: Making): Parts {
  const body = (): Record<string, unknown> => {
    const all: Record<string, unknown> = {
      priority: random.pick<unknown>([0, 10, -1, 'x', null]),
      predicates: random.pick(predicates),
      action: random.pick<unknown>([
        'ACCEPT',
        'CONTINUE',
        ['RATE_LIMIT', 5],
        ['RATE_LIMIT', 0],
        'BOGUS',
        ['RATE_LIMIT'],
        null,
        {},
      ]),
      reason: random.pick<unknown>([[], [['gnt:x', 'because', 1]], 'x', null]),
    };
    return Object.fromEntries(Object.entries(all).filter(() => random.chance(0.7)));
  };
  const valid = {
    priority: 7,
    predicates: [['opcode', ['=', 'OP_ID', 'OP_TEST_DELAY']]],
    action: 'ACCEPT',
    reason: [],
  };
  return {
    steps: [
      { m: 'POST', p: '/2/filters', b: valid, set: 'f' },
      get('/2/filters/{f}'),
      { m: 'PUT', p: '/2/filters/{f}', b: body() },
      get('/2/filters/{f}'),
      {
        m: 'PUT',
        p: '/2/query/filter',
        b: {
          fields: ['priority', 'predicates', 'action', 'reason_trail', 'nosuch'],
          qfilter: ['=', 'uuid', '{f}'],
        },
      },
      { m: 'DELETE', p: '/2/filters/{f}' },
      get('/2/filters'),
    ],
    cleanup: [],
  };
}

/** Queries of all resources that the API lets one ask for. */
export function queryEpisode({ random }: Making): Parts {
  const what = () =>
    random.pick(['instance', 'node', 'group', 'network', 'filter', 'export', 'lock', 'job', 'nosuch']);
  const some = (resource: string) =>
    Array.from({ length: random.int(1, 4) }, () => random.pick(fieldsOf(resource)));
  const filter = (resource: string): unknown => {
    const name = random.pick(fieldsOf(resource));
    return random.pick<unknown>([
      null,
      ['=', 'name', NODES[0]],
      ['=', name, random.pick<unknown>(['x', 0, true, null, []])],
      ['!=', name, ''],
      ['<', name, 5],
      ['?', name],
      ['!', ['?', name]],
      ['=~', 'name', random.pick(['^node', '(', '', '[a-z]+3'])],
      ['=*', 'name', random.pick(['node*', '*', 'node?.example.com'])],
      ['=[]', 'tags', 'x'],
      ['&'],
      ['|'],
      ['&', ['?', name], ['=', 'name', NODES[1]]],
      ['|', ['=', 'name', 'node1'], ['=', 'name', INSTANCES[0]]],
      ['nosuch', name, 1],
      [],
      'x',
    ]);
  };
  const one = (): Draft => {
    const resource = what();
    const fields = some(resource);
    if (random.chance(0.3)) return get(`/2/query/${resource}?fields=${encodeURIComponent(fields.join(','))}`);
    if (random.chance(0.1))
      return get(`/2/query/${resource}/fields${random.chance(0.5) ? `?fields=${fields.join(',')}` : ''}`);
    if (resource === 'job' || resource === 'lock')
      return get(`/2/query/${resource}/fields?fields=${fields.join(',')}`);
    return {
      m: 'PUT',
      p: `/2/query/${resource}`,
      b: {
        fields: random.pick<unknown>([fields, fields, fields, 'name', [], null]),
        [random.pick(['qfilter', 'qfilter', 'filter'])]: filter(resource),
      },
    };
  };
  return {
    steps: Array.from({ length: 8 }, one).filter(({ p }) => !/^\/2\/query\/(job|lock)\?/.test(p)),
    cleanup: [],
  };
}

const paths = [
  '/',
  '/2',
  '/2/',
  '/version',
  '/2/info',
  '/2/features',
  '/2/os',
  '/2/nodes',
  '/2/nodes/node1.example.com',
  '/2/nodes/NODE1',
  '/2/nodes/node1.example.com/role',
  '/2/groups',
  '/2/groups/default',
  '/2/groups/nosuch',
  '/2/groups/default/tags',
  '/2/networks',
  '/2/networks/nosuch',
  '/2/networks/nosuch/tags',
  '/2/instances',
  '/2/instances/nosuch',
  '/2/instances/nosuch/info',
  '/2/instances/nosuch/console',
  '/2/instances/nosuch/tags',
  '/2/instances-multi-alloc',
  '/2/filters',
  '/2/filters/nosuch',
  '/2/tags',
  '/2/nosuch',
  '/2/jobs',
  '/2/jobs/99999999',
  '/2/jobs/x',
  '/2/instances/a/b',
  '/1/instances',
  '/2/query/node/fields',
  '/2/modify',
  '/2/redistribute-config/x',
];

/** Requests beside the ordinary: other methods, users, types and bodies. */
export function protocolEpisode({ random }: Making): Parts {
  const users: ([string, string] | null)[] = [
    ['admin', 'secret'],
    ['reader', 'foo'],
    ['nobody', 'pw'],
    ['admin', 'wrong'],
    ['', ''],
    null,
  ];
  const one = (): Draft => {
    const m = random.weighted({ GET: 6, PUT: 2, POST: 2, DELETE: 1, PATCH: 1, OPTIONS: 1 });
    const path = random.pick(paths);
    const p = `${path}${random.pick(['', '', '', '?bulk=1', '?bulk=0', '?bulk=x', '?nosuch=1', '?dry-run=1', '?bulk=1&bulk=0'])}`;
    // How many jobs there were differs, and three paths take any body for a change.
    const isHarmless = m === 'GET' ? path !== '/2/jobs' : !/^\/2\/(redistribute-config|tags|modify)/.test(p);
    const step: Draft = isHarmless ? { m, p } : { m: 'GET', p: '/2/features' };
    if (random.chance(0.7)) step.auth = random.pick(users);
    if (step.m !== 'GET') {
      if (random.chance(0.5))
        step.raw = random.pick(['{}', '[]', 'null', '{"a":', '"x"', '', '7', '{"nosuch": 1}', '{} x']);
      else step.b = random.pick<unknown>([{}, { nosuch: 1 }, []]);
      if (random.chance(0.3))
        step.h = {
          'Content-Type': random.pick([
            'text/plain',
            'application/json; charset=utf-8',
            'application/xml',
            '',
            'application/JSON',
          ]),
        };
    }
    return step;
  };
  return { steps: Array.from({ length: 10 }, one), cleanup: [] };
}
