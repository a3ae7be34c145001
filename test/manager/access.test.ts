import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../lib/access/principal.ts';
import type { Manager } from '../../lib/manager/define.ts';
import type { OpInput } from '../../lib/model/job.ts';
import type { RapiServer } from '../../lib/surfaces/rapi/server.ts';
import { admin, alice, OwnersPolicy } from '../access/fixture.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { inTime } from '../helpers/patience.ts';
import { serveManager } from '../surfaces/rapi/fixture.ts';

const instance = (short: string): OpInput => ({
  OP_ID: 'OP_INSTANCE_CREATE',
  instance_name: `${short}.example.com`,
  mode: 'create',
  disk_template: 'file',
  disks: [{ size: 4 }],
  nics: [],
  os_type: 'noop',
  tags: [short],
});

const never = new AbortController().signal;

describe('a policy by which someone may see one instance only', () => {
  let cluster: TestCluster;
  let server: RapiServer;
  let manager: Manager;
  let policy: OwnersPolicy;
  let mine: string;
  let theirs: string;
  /** The jobs that made the instances, and one that concerns the whole cluster. */
  let jobs: { mine: number; theirs: number; all: number };

  before(async () => {
    cluster = await TestCluster.start();
    jobs = {
      mine: (await cluster.done(instance('mine'))).id,
      theirs: (await cluster.done(instance('theirs'))).id,
      all: (await cluster.done({ OP_ID: 'OP_CLUSTER_REDIST_CONF' })).id,
    };
    const uuidOf = (name: string) => cluster.store.view.instances.named(name)?.uuid ?? assert.fail(name);
    mine = uuidOf('mine.example.com');
    theirs = uuidOf('theirs.example.com');
    policy = new OwnersPolicy(({ kind, id }) => kind === 'instance' && id === mine);
    manager = cluster.managerOf(policy);
    server = await serveManager(manager, () => []);
  });
  after(async () => {
    await server.close();
    await cluster.close();
  });

  const ask = async (method: string, path: string, user = 'alice', body?: unknown) => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:x`).toString('base64')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as never };
  };
  const namesOf = (rows: Record<string, unknown>[], key: string) => rows.map((row) => row[key]);

  it('lists this one alone, short and in bulk, and counts no other', async () => {
    assert.deepEqual(namesOf((await ask('GET', '/2/instances')).body, 'id'), ['mine.example.com']);
    const bulk: Record<string, unknown>[] = (await ask('GET', '/2/instances?bulk=1')).body;
    assert.deepEqual(namesOf(bulk, 'name'), ['mine.example.com']);
    assert.equal(bulk[0]?.pnode, null, 'its node is left out');
    assert.equal(bulk[0]?.status, 'running', 'what it does is known all the same');
    for (const path of ['/2/nodes', '/2/groups', '/2/networks', '/2/filters', '/2/duties', '/2/os'])
      assert.deepEqual((await ask('GET', path)).body, [], path);
    for (const path of ['/2/nodes?bulk=1', '/2/groups?bulk=1', '/2/filters?bulk=1', '/2/os?bulk=1'])
      assert.deepEqual((await ask('GET', path)).body, [], path);
    const whole: Record<string, unknown>[] = (await ask('GET', '/2/instances?bulk=1', 'admin')).body;
    assert.deepEqual(namesOf(whole, 'name'), ['mine.example.com', 'theirs.example.com'], 'others see both');
    assert.match(String(whole[0]?.pnode), /^node/, 'and not what was made for those who see less');
  });

  it('counts nothing else in what may be seen', async () => {
    const nodes = cluster.managerOf(
      new OwnersPolicy(({ kind, id }) => kind === 'node' || (kind === 'instance' && id === mine)),
    );
    const fields = ['pinst_cnt', 'pinst_list'];
    const { data } = await nodes.query(alice, 'node', fields, null);
    const counts = data.map(([count]) => count?.[1] as number);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      1,
    );
    assert.deepEqual(
      data.flatMap(([, list]) => list?.[1]),
      ['mine.example.com'],
    );
    const [row] = (await nodes.query(alice, 'instance', ['pnode'], null)).data;
    assert.match(String(row?.[0]?.[1]), /^node/, 'a visible node is named');
  });

  it('answers for others as if they did not exist', async () => {
    const [there, missing] = [
      await ask('GET', '/2/instances/theirs'),
      await ask('GET', '/2/instances/nosuch'),
    ];
    const text = (answer: unknown) => JSON.stringify(answer).replaceAll('nosuch', 'theirs');
    assert.equal(text(there), text(missing));
    assert.equal(there.status, 404);
    for (const name of ['theirs', theirs, 'theirs.example.com'])
      for (const path of ['', '/console', '/tags'])
        assert.equal((await ask('GET', `/2/instances/${name}${path}`)).status, 404, name + path);
    assert.equal((await ask('GET', '/2/nodes/node1/role')).status, 404);
    assert.equal((await ask('GET', '/2/instances/mine')).status, 200);
    assert.deepEqual((await ask('GET', '/2/instances/mine/tags')).body, ['mine']);
    assert.throws(() => manager.find(alice, 'instance', 'theirs'), { code: 'not_found' });
    assert.throws(() => manager.cluster(alice), { code: 'forbidden' });
  });

  it('answers queries with this one alone, whatever the filter', async () => {
    const filters = [
      null,
      ['=', 'uuid', theirs],
      ['=', 'name', 'theirs'],
      ['|', ['=[]', 'tags', 'theirs'], ['=', 'uuid', mine]],
    ];
    const found = [];
    for (const filter of filters) {
      const { data } = await manager.query(alice, 'instance', ['name'], filter);
      found.push(data.map(([cell]) => cell?.[1]));
    }
    assert.deepEqual(found, [['mine.example.com'], [], [], ['mine.example.com']]);
    for (const resource of ['node', 'group', 'network', 'filter', 'lock', 'os', 'export'])
      assert.deepEqual((await manager.query(alice, resource, ['name', 'uuid'], null)).data, [], resource);
    await assert.rejects(manager.query(alice, 'cluster', ['cluster_name'], null), {
      code: 'forbidden',
      message: 'alice may not read the cluster',
    });
    const { data } = await manager.query(alice, 'job', ['id'], null);
    assert.deepEqual(data, [[[0, jobs.mine]]]);
  });

  it('shows the jobs that name it, and no others', async () => {
    assert.deepEqual(await manager.jobIds(alice), [jobs.mine]);
    assert.deepEqual(namesOf((await ask('GET', '/2/jobs?bulk=1')).body, 'id'), [jobs.mine]);
    assert.equal((await manager.job(alice, jobs.mine))?.id, jobs.mine);
    for (const id of [jobs.theirs, jobs.all, 999]) {
      assert.equal(await manager.job(alice, id), null);
      const hidden = { code: 'not_found', message: `There is no job ${id}` };
      await assert.rejects(manager.cancelJob(alice, id), hidden);
      await assert.rejects(manager.whyJob(alice, id), hidden);
      await assert.rejects(manager.archiveJob(alice, id), hidden);
      await assert.rejects(manager.waitForJob(alice, id, { isNews: () => true, signal: never }), hidden);
    }
    await assert.rejects(manager.archiveJobs(alice, 0), { code: 'forbidden' });
  });

  it('takes opcodes on it, and refuses those on others whether they exist or not', async () => {
    const shutdown = (instance_name: string, more: object = {}): OpInput => ({
      OP_ID: 'OP_INSTANCE_SHUTDOWN',
      instance_name,
      ...more,
    });
    const { body: job } = await ask('PUT', '/2/instances/mine/shutdown');
    assert.equal((await cluster.ended(job)).status, 'success');
    const waited = await manager.waitForJob(alice, job, { isNews: () => false, signal: never });
    assert.equal(waited?.status, 'success');
    const texts = [];
    for (const name of ['theirs', 'nosuch']) {
      const answer = await ask('PUT', `/2/instances/${name}/shutdown`);
      assert.equal(answer.status, 403);
      texts.push((answer.body as { detail: string }).detail.replace(name, 'NAME'));
    }
    assert.equal(texts[0], "alice may not write instance 'NAME', which OP_INSTANCE_SHUTDOWN needs");
    assert.equal(texts[0], texts[1]);
    const refused: OpInput[][] = [
      [shutdown('mine'), shutdown('theirs')],
      [shutdown('nosuch', { instance_uuid: theirs })],
      [{ OP_ID: 'OP_INSTANCE_QUERY_DATA', instances: ['mine', 'theirs'] }],
      [{ OP_ID: 'OP_INSTANCE_QUERY_DATA' }],
      [{ OP_ID: 'OP_INSTANCE_MOVE', instance_name: 'mine', target_node: 'node2' }],
      [{ OP_ID: 'OP_TAGS_SET', kind: 'instance', name: 'theirs', tags: ['x'] }],
      [{ OP_ID: 'OP_TAGS_SET', kind: 'cluster', tags: ['x'] }],
      [{ OP_ID: 'OP_CLUSTER_REDIST_CONF' }],
      [instance('mine')], // it names the instance, but makes another one
      [{ OP_ID: 'OP_INSTANCE_MULTI_ALLOC', instances: [instance('third')] }],
      [shutdown('mine', { depends: [[-1, []]] })],
    ];
    for (const ops of refused)
      await assert.rejects(manager.submit(alice, ops), { code: 'forbidden' }, JSON.stringify(ops));
    await assert.rejects(manager.submit(alice, [shutdown('mine', { depends: [[jobs.theirs, []]] })]), {
      code: 'not_found',
      message: `There is no job ${jobs.theirs}`,
    });
    const reading = await manager.submit(alice, [{ OP_ID: 'OP_INSTANCE_QUERY_DATA', instances: ['mine'] }]);
    assert.equal((await cluster.ended(reading)).status, 'success');
  });

  it('keeps a job to the object that its name stood for', async () => {
    const waiting = await cluster.manager.submit(SYSTEM, [
      { OP_ID: 'OP_TEST_DELAY', duration: 60, interruptible: true },
    ]);
    const name = 'passed.example.com';
    const { uuid } = await made(name);
    const owner = cluster.managerOf(
      new OwnersPolicy(
        ({ kind, id }) => (kind === 'instance' && id === uuid) || (kind === 'job' && id === waiting),
      ),
    );
    const depends = [[waiting, []]];
    const id = await owner.submit(alice, [
      { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: 'passed', depends },
    ]);
    await cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name });
    await made(name);
    await cluster.manager.cancelJob(SYSTEM, waiting);
    const { status, ops } = await cluster.ended(id);
    assert.equal(status, 'error');
    assert.match(ops[0]?.failure?.message ?? '', /has the uuid .*, not /);
    await cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name });
  });
  const made = async (name: string) => {
    await cluster.done(instance(name.replace('.example.com', '')));
    return cluster.store.view.instances.named(name) ?? assert.fail(name);
  };

  it('gives the events of it and of its jobs, and comes past all others', async () => {
    const feed = manager.events(alice);
    const { events, upTo } = await feed.after(0, 10_000);
    assert.equal(upTo, feed.last);
    const kinds = new Set(events.map(({ kind, uuid }) => (kind === 'disk' ? kind : `${kind} ${uuid}`)));
    const disks = cluster.store.view.instances.get(mine)?.disks ?? [];
    for (const { kind, uuid } of events) if (kind === 'disk') assert.ok(disks.includes(uuid));
    for (const each of ['disk', `instance ${mine}`, `job ${jobs.mine}`]) assert.ok(kinds.has(each), each);
    assert.ok(!JSON.stringify(events).includes('theirs'));
    for (const id of [jobs.theirs, jobs.all]) assert.ok(!kinds.has(`job ${id}`));
    let seen = 0;
    const paged: number[] = [];
    for (let isAtEnd = false; !isAtEnd; ) {
      const page = await feed.after(seen, 1);
      paged.push(...page.events.map(({ id }) => id));
      isAtEnd = page.upTo === seen;
      seen = page.upTo;
    }
    assert.deepEqual(
      paged,
      events.map(({ id }) => id),
      'pages without anything to see lead on',
    );
  });

  it('streams its events past those of others', async () => {
    const leave = new AbortController();
    const answer = await fetch(`${server.url}/2/events`, {
      headers: {
        authorization: `Basic ${Buffer.from('alice:x').toString('base64')}`,
        'last-event-id': '0',
      },
      signal: leave.signal,
    });
    const reader = answer.body?.getReader() ?? assert.fail('no body');
    let text = '';
    const { OP_ID, instance_name } = { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'mine' };
    const id = await manager.submit(alice, [{ OP_ID, instance_name }]);
    await cluster.ended(id);
    const end = new RegExp(`"kind":"job","uuid":"${id}","name":"","action":"success"`);
    while (!end.test(text)) {
      const { value } = await inTime(reader.read(), () => `the end of job ${id} in ${text}`);
      text += Buffer.from(value ?? []).toString();
    }
    leave.abort();
    assert.ok(!text.includes('theirs'));
  });

  it('still shows a job that removed what it names', async () => {
    const name = 'gone.example.com';
    const { uuid } = await made(name);
    const owner = cluster.managerOf(new OwnersPolicy(({ kind, id }) => kind === 'instance' && id === uuid));
    const id = await owner.submit(alice, [{ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name }]);
    await cluster.ended(id);
    assert.equal((await owner.job(alice, id))?.status, 'success');
    assert.deepEqual(await manager.jobIds(alice).then((ids) => ids.includes(id)), false);
  });

  it('asks about no object for someone who may do it to all', async () => {
    policy.asked.length = 0;
    for (const path of [
      '/2/instances',
      '/2/instances?bulk=1',
      '/2/nodes?bulk=1',
      '/2/jobs?bulk=1',
      '/2/jobs',
    ])
      assert.equal((await ask('GET', path, 'admin')).status, 200, path);
    await ask('GET', '/2/query/instance?fields=name,pnode,status', 'admin');
    await ask('GET', '/2/events?since=0', 'admin');
    await ask('GET', '/2/instances/theirs', 'admin');
    await ask('GET', '/2/os?bulk=1', 'admin');
    await cluster.ended(await manager.submit(admin, [{ OP_ID: 'OP_TEST_DELAY', duration: 0 }]));
    await cluster.ended(await manager.submit(SYSTEM, [{ OP_ID: 'OP_TEST_DELAY', duration: 0 }]));
    assert.deepEqual(policy.asked, []);
    await ask('GET', '/2/instances');
    assert.notDeepEqual(policy.asked, [], 'the policy is that of this manager');
  });

  it('lets those do nothing who may do it to nothing', async () => {
    for (const path of ['/2/instances', '/2/jobs', '/2/info', '/2/events?since=0', '/2/instances/mine'])
      assert.equal((await ask('GET', path, 'nobody')).status, 403, path);
  });
});
