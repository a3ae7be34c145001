import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { aJob, anOp } from '../../helpers/jobs.ts';
import { type Answer, NOW, type Question, serve, type TestServer } from './fixture.ts';

async function start(t: TestContext, options: Parameters<typeof serve>[0] = {}): Promise<TestServer> {
  const server = await serve(options);
  t.after(() => server.close());
  return server;
}

/** Sends a request that must become a job, and gives its opcode without the times in the reason trail. */
async function op(
  { ask, fake }: TestServer,
  method: string,
  path: string,
  question: Question = {},
): Promise<Record<string, unknown>> {
  const answer = await ask(method, path, question);
  assert.equal(answer.status, 200, `${method} ${path}: ${answer.text}`);
  assert.equal(answer.text, `${fake.submitted.length}\n`);
  const { reason, ...rest } = fake.submitted.at(-1) ?? { OP_ID: '' };
  const sources = (reason as unknown[][]).map(([source, text, time]) => {
    assert.equal(time, NOW);
    return text === '' ? source : [source, text];
  });
  return { ...rest, sources };
}

/** What was wrong in this case. */
async function message(answer: Promise<Answer>, status: number): Promise<string> {
  const { json, status: given, text } = await answer;
  assert.equal(given, status, text);
  const { message, detail } = json as { message: string; detail?: string };
  return detail ?? message;
}

test('constant answers', async (t) => {
  const { ask, fake } = await start(t);
  assert.equal((await ask('GET', '/version')).text, '2\n');
  assert.deepEqual(((await ask('GET', '/2/features')).json as string[]).sort(), [
    'instance-create-reqv1',
    'instance-reinstall-reqv1',
    'node-evac-res1',
    'node-migrate-reqv1',
  ]);
  assert.deepEqual((await ask('GET', '/2/os')).json, ['noop']);
  fake.rows.os = { noop: { name: 'noop', valid: true, variants: [] } };
  const [os] = (await ask('GET', '/2/os?bulk=1')).json as Record<string, unknown>[];
  assert.deepEqual([os?.name, os?.valid, os?.variants], ['noop', true, []]);
});

test('instance create: names are translated, the version is checked, dry-run comes from the URL', async (t) => {
  const server = await start(t);
  const body = { __version__: 1, mode: 'create', name: 'i', os: 'noop', disks: [{ size: '20G' }], nics: [] };
  assert.deepEqual(await op(server, 'POST', '/2/instances?dry-run=1&reason=because', { body }), {
    OP_ID: 'OP_INSTANCE_CREATE',
    instance_name: 'i',
    os_type: 'noop',
    mode: 'create',
    disks: [{ size: '20G' }],
    nics: [],
    dry_run: true,
    sources: [['gnt:user', 'because'], 'gnt:library:rlib2:instances'],
  });
  const post = (changes: object) => server.ask('POST', '/2/instances', { body: { ...body, ...changes } });
  for (const version of [undefined, 0, 2, '1', null])
    assert.match(await message(post({ __version__: version }), 400), /__version__/);
  assert.match(await message(post({ instance_name: 'i' }), 400), /'name' and 'instance_name'/);
  assert.match(await message(post({ os_type: 'noop' }), 400), /'os' and 'os_type'/);
  assert.match(await message(post({ dry_run: true }), 400), /'dry_run'/);
  assert.match(await message(post({ reason: [] }), 400), /'reason'/);
  assert.match(await message(post({ OP_ID: 'OP_TEST_DELAY' }), 400), /'OP_ID'/);
  assert.match(await message(post({ nosuch: 1 }), 400), /'nosuch'/);
  assert.match(await message(post({ nics: undefined }), 400), /'nics'/);
  await message(server.ask('POST', '/2/instances?dry-run=yes', { body }), 400);
  assert.equal(server.fake.submitted.length, 1);
});

test('evacuation of a node: by the body, or in the old form by arguments', async (t) => {
  const server = await start(t);
  const evacuate = (args: string, question?: Question) =>
    op(server, 'POST', `/2/nodes/node1.example.com/evacuate${args}`, question);
  const common = {
    ...{ OP_ID: 'OP_NODE_EVACUATE', node_name: 'node1.example.com', dry_run: false },
    sources: ['gnt:library:rlib2:nodes_name_evacuate'],
  };
  assert.deepEqual(await evacuate('', { body: { mode: 'primary-only', iallocator: 'hail' } }), {
    ...common,
    mode: 'primary-only',
    iallocator: 'hail',
  });
  assert.deepEqual(await evacuate('?iallocator=hail&early_release=1'), {
    ...{ ...common, mode: 'secondary-only', iallocator: 'hail', early_release: true },
  });
  assert.deepEqual(await evacuate('?remote_node=node2.example.com&dry-run=1&early_release=0'), {
    ...{ ...common, mode: 'secondary-only', remote_node: 'node2.example.com' },
    ...{ early_release: false, dry_run: true },
  });
  assert.deepEqual(await evacuate('?iallocator=hail', { body: { mode: 'all' } }), {
    ...{ ...common, mode: 'all', iallocator: 'hail' },
  });
  const post = (args: string, body?: object) =>
    server.ask('POST', `/2/nodes/node1.example.com/evacuate${args}`, { body });
  assert.match(await message(post(''), 400), /'mode'/);
  assert.match(await message(post('?iallocator=hail', { iallocator: 'other' }), 400), /'iallocator'/);
  assert.match(await message(post('?early_release=yes'), 400), /'early_release'/);
});

test('changes of one instance', async (t) => {
  const server = await start(t);
  const at = (verb: string) => `/2/instances/inst1${verb}`;
  const common = { instance_name: 'inst1', dry_run: false };
  assert.deepEqual(await op(server, 'PUT', at('/startup?force=1')), {
    ...common,
    OP_ID: 'OP_INSTANCE_STARTUP',
    force: true,
    no_remember: false,
    sources: ['gnt:library:rlib2:instances_name_startup'],
  });
  assert.deepEqual(
    await op(server, 'PUT', at('/shutdown?no_remember=1'), { body: { timeout: 5, force: true } }),
    {
      ...common,
      OP_ID: 'OP_INSTANCE_SHUTDOWN',
      timeout: 5,
      force: true,
      no_remember: true,
      sources: ['gnt:library:rlib2:instances_name_shutdown'],
    },
  );
  assert.deepEqual(await op(server, 'POST', at('/reboot')), {
    ...common,
    OP_ID: 'OP_INSTANCE_REBOOT',
    reboot_type: 'hard',
    ignore_secondaries: false,
    sources: ['gnt:library:rlib2:instances_name_reboot'],
  });
  const soft = await op(server, 'POST', at('/reboot?type=soft&ignore_secondaries=1&dry-run=1'));
  assert.deepEqual([soft.reboot_type, soft.ignore_secondaries, soft.dry_run], ['soft', true, true]);
  assert.deepEqual(await op(server, 'DELETE', at(''), { body: { shutdown_timeout: 1 } }), {
    ...common,
    OP_ID: 'OP_INSTANCE_REMOVE',
    shutdown_timeout: 1,
    sources: ['gnt:library:rlib2:instances_name'],
  });
  await message(server.ask('PUT', at('/startup?force=x')), 400);
  await message(server.ask('POST', at('/reboot?type=bogus')), 400);
  await message(server.ask('PUT', at('/shutdown'), { body: { timeout: 'x' } }), 400);
  await message(server.ask('DELETE', at(''), { body: { nosuch: 1 } }), 400);
  await message(server.ask('DELETE', at(''), { body: { instance_name: 'other' } }), 400);
});

test('a reinstallation is three opcodes; other members of its body are not looked at', async (t) => {
  const { ask, fake } = await start(t);
  const body = { os: 'noop', start: false, osparams: { a: '1' }, nosuch: 1, instance_name: 'x' };
  assert.equal((await ask('POST', '/2/instances/inst1/reinstall', { body })).status, 200);
  const kept = fake.submitted.map(({ reason: _reason, ...rest }) => rest);
  assert.deepEqual(kept, [
    { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'inst1' },
    { OP_ID: 'OP_INSTANCE_REINSTALL', instance_name: 'inst1', os_type: 'noop', osparams: { a: '1' } },
  ]);
  await message(ask('POST', '/2/instances/inst1/reinstall', { body: { osparams: 'x' } }), 400);
});

test('instance info is a job that anybody may submit, without dry_run unless asked for', async (t) => {
  const server = await start(t);
  const first = await op(server, 'GET', '/2/instances/inst1/info', { auth: null });
  assert.deepEqual(first, {
    OP_ID: 'OP_INSTANCE_QUERY_DATA',
    instances: ['inst1'],
    static: false,
    use_locking: true,
    sources: ['gnt:library:rlib2:instances_name_info'],
  });
  const second = await op(server, 'GET', '/2/instances/inst1/info?static=1&dry-run=1');
  assert.deepEqual([second.static, second.use_locking, second.dry_run], [true, false, true]);
});

test('groups', async (t) => {
  const server = await start(t);
  assert.deepEqual(
    await op(server, 'POST', '/2/groups', { body: { name: 'g', depends: [[-1, ['success']]] } }),
    {
      OP_ID: 'OP_GROUP_ADD',
      group_name: 'g',
      depends: [[-1, ['success']]],
      dry_run: false,
      sources: ['gnt:library:rlib2:groups'],
    },
  );
  assert.deepEqual(await op(server, 'DELETE', '/2/groups/g?dry-run=1'), {
    OP_ID: 'OP_GROUP_REMOVE',
    group_name: 'g',
    dry_run: true,
    sources: ['gnt:library:rlib2:groups_name'],
  });
});

test('tags come from the arguments and from a list in the body', async (t) => {
  const server = await start(t);
  for (const [path, kind, source] of [
    ['/2/nodes/node1', 'node', 'nodes_name_tags'],
    ['/2/groups/default', 'nodegroup', 'groups_name_tags'],
    ['/2/instances/inst1', 'instance', 'instances_name_tags'],
  ] as const) {
    const name = path.split('/').at(-1);
    assert.deepEqual(await op(server, 'PUT', `${path}/tags?tag=a&tag=&tag=b%20c`, { body: ['d'] }), {
      OP_ID: 'OP_TAGS_SET',
      kind,
      name,
      tags: ['a', 'b c', 'd'],
      dry_run: false,
      sources: [`gnt:library:rlib2:${source}`],
    });
    assert.deepEqual((await server.ask('GET', `${path}/tags`, { auth: null })).json, [kind, name]);
  }
  assert.deepEqual(await op(server, 'DELETE', '/2/tags?tag=x&dry-run=1'), {
    OP_ID: 'OP_TAGS_DEL',
    kind: 'cluster',
    tags: ['x'],
    dry_run: true,
    sources: ['gnt:library:rlib2:tags'],
  });
  assert.deepEqual((await server.ask('GET', '/2/tags')).json, ['cluster', 'null']);
  await message(server.ask('PUT', '/2/tags', { body: { tags: ['x'] } }), 400);
  await message(server.ask('PUT', '/2/tags', { body: [1] }), 400);
});

test('listings are short, or whole with bulk', async (t) => {
  const { ask } = await start(t);
  assert.deepEqual((await ask('GET', '/2/instances')).json, [
    { id: 'inst1.example.com', uri: '/2/instances/inst1.example.com' },
  ]);
  assert.deepEqual((await ask('GET', '/2/nodes?bulk=0&bulk=1')).json, [
    { id: 'node1.example.com', uri: '/2/nodes/node1.example.com' },
  ]);
  assert.deepEqual((await ask('GET', '/2/groups?unknown=1')).json, [
    { name: 'default', uri: '/2/groups/default' },
  ]);
  const [node] = (await ask('GET', '/2/nodes?bulk=-1')).json as Record<string, unknown>[];
  assert.equal(node?.sip, '198.51.100.11');
  assert.equal(node?.mfree, null, 'what is not known now is null');
  assert.ok(!Object.hasOwn(node ?? {}, 'secondary_ip'));
  for (const path of [
    '/2/instances?bulk=x',
    '/2/nodes?bulk=true',
    '/2/groups?lock=1',
    '/2/nodes/node1?lock=1',
  ])
    await message(ask('GET', path), 400);
});

test('single objects, by abbreviation and uuid where Ganeti takes them', async (t) => {
  const { ask } = await start(t);
  for (const name of ['node1', 'node1.example.com', 'NODE1', 'uuid-node1.example.com']) {
    const node = (await ask('GET', `/2/nodes/${name}`)).json as Record<string, unknown>;
    assert.equal(node.name, 'node1.example.com');
    assert.equal(node.secondary_ip, '198.51.100.11');
  }
  assert.equal((await ask('GET', '/2/nodes/node1/role')).text, '"master"\n');
  assert.equal(((await ask('GET', '/2/instances/inst1')).json as { name: string }).name, 'inst1.example.com');
  assert.equal(((await ask('GET', '/2/groups/default')).json as { name: string }).name, 'default');
  for (const path of [
    'nodes/nod',
    'nodes/unknown/role',
    'groups/DEFAULT',
    'instances/x',
    'instances/x/console',
  ])
    assert.match(await message(ask('GET', `/2/${path}`), 404), /^There is no (node|group|instance) '/);
});

test('the console is there while the instance runs', async (t) => {
  const { ask, fake } = await start(t);
  assert.deepEqual((await ask('GET', '/2/instances/inst1/console', { auth: 'reader:foo' })).json, {
    kind: 'msg',
  });
  const instance = fake.rows.instance?.['inst1.example.com'] ?? {};
  instance.oper_state = false;
  const { status, json } = await ask('GET', '/2/instances/inst1/console');
  assert.equal(status, 503);
  assert.equal((json as { message: string }).message, 'Instance console unavailable');
  assert.match((json as { detail: string }).detail, /inst1.* does not run/);
});

test('jobs', async (t) => {
  const { ask, fake } = await start(t);
  fake.jobs.set(7, {
    id: 7,
    status: 'queued',
    priority: 0,
    ops: [],
    received: 1.5,
    start: null,
    end: null,
    archived: false,
  });
  assert.deepEqual((await ask('GET', '/2/jobs')).json, [{ id: 7, uri: '/2/jobs/7' }]);
  assert.deepEqual(
    ((await ask('GET', '/2/jobs?bulk=1')).json as object[]).map((job) => Object.keys(job)),
    [['id', 'ops', 'status', 'summary', 'opstatus', 'received_ts', 'start_ts', 'end_ts']],
    'all but the log and the results',
  );
  assert.equal(((await ask('GET', '/2/jobs/7', { auth: null })).json as { status: string }).status, 'queued');
  for (const id of ['8', '99999999999999999999999']) await message(ask('GET', `/2/jobs/${id}`), 404);
  fake.rows.job = { 7: { received_ts: 1.5, opend: [2.25, null] } };
  assert.deepEqual(
    ((await ask('GET', '/2/query/job?fields=received_ts,opend,end_ts')).json as { data: unknown }).data,
    [
      [
        [0, [1, 500_000]],
        [0, [[2, 250_000], null]],
        [2, null],
      ],
    ],
  );
  assert.deepEqual((await ask('DELETE', '/2/jobs/8')).json, [false, 'Job 8 not found in queue']);
  await message(ask('DELETE', '/2/jobs/7', { auth: 'reader:foo' }), 403);
});

test('waiting for a job', async (t) => {
  const { ask, fake } = await start(t, { waitTimeout: 1234 });
  fake.ended = aJob(7, [], { status: 'success' });
  const change = { job_info: ['success'], log_entries: [] };
  const body = { fields: ['status'], previous_job_info: ['running'], previous_log_serial: 3 };
  assert.deepEqual((await ask('GET', '/2/jobs/7/wait', { body })).json, change);
  await ask('GET', '/2/jobs/7/wait', { body: { fields: ['status'], more: 1 } });
  assert.deepEqual(
    fake.waits.map(([id, { timeout }]) => [id, timeout]),
    [
      [7, 1234],
      [7, 1234],
    ],
  );
  const [first, second] = fake.waits.map(([, { isNews }]) => isNews);
  const running = aJob(7, [], { status: 'running' });
  const line = { serial: 4, time: 1, type: 'message', text: 'more' };
  assert.deepEqual([first?.(running), second?.(running)], [false, true]);
  assert.equal(first?.({ ...running, ops: [anOp({ OP_ID: 'OP_TEST_DELAY' }, { log: [line] })] }), true);
  fake.ended = null;
  fake.onWait = async () => undefined;
  assert.equal((await ask('GET', '/2/jobs/7/wait', { body })).text, 'null\n');
  for (const wrong of [undefined, {}, [], { fields: 'status' }, { fields: [1] }])
    await message(ask('GET', '/2/jobs/7/wait', { body: wrong }), 400);
  for (const wrong of [{ previous_job_info: 3 }, { previous_log_serial: 'x' }, { previous_log_serial: 1.5 }])
    await message(ask('GET', '/2/jobs/7/wait', { body: { ...body, ...wrong } }), 400);
});

test('queries', async (t) => {
  const { ask } = await start(t);
  const names = async (method: string, path: string, body?: unknown) =>
    ((await ask(method, path, { body })).json as { data: unknown }).data;
  const wanted = [[[0, 'node1.example.com']]];
  assert.deepEqual(await names('GET', '/2/query/node?fields=name,%20sip'), [
    [
      [0, 'node1.example.com'],
      [0, '198.51.100.11'],
    ],
  ]);
  const qfilter = ['=', 'name', 'node1.example.com'];
  assert.deepEqual(await names('PUT', '/2/query/node', { fields: ['name'], qfilter }), wanted);
  assert.deepEqual(await names('PUT', '/2/query/node', { fields: ['name'], filter: ['=', 'name', 'x'] }), []);
  assert.deepEqual(await names('PUT', '/2/query/node?fields=name', { qfilter: null }), wanted);
  assert.deepEqual(await names('PUT', '/2/query/node', { fields: [] }), [[]]);
  for (const path of ['/2/query/node', '/2/query/node?fields=', '/2/query/unknown?fields=name'])
    await message(ask('GET', path), 400);
  for (const body of [undefined, {}, [], { fields: 'name' }, { fields: [1] }])
    await message(ask('PUT', '/2/query/node', { body }), 400);
  const fields = async (path: string) =>
    ((await ask('GET', path, { auth: null })).json as { fields: { name: string }[] }).fields.map(
      ({ name }) => name,
    );
  assert.deepEqual(await fields('/2/query/node/fields?fields=a,b'), ['a', 'b']);
  assert.deepEqual(await fields('/2/query/node/fields'), ['all']);
});
