import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sameForAll } from '../../lib/access/policy.ts';
import { type Principal, SYSTEM } from '../../lib/access/principal.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { History } from '../../lib/jobs/history.ts';
import { ClusterSpec } from '../../lib/manager/cluster-spec.ts';
import { initCluster, joinNodes } from '../../lib/manager/init.ts';
import { createManager } from '../../lib/manager/manager.ts';
import type { Job } from '../../lib/model/job.ts';
import { changed } from '../../lib/model/object.ts';
import type { NodeCaller } from '../../lib/rpc/caller.ts';
import type { OsDefinition } from '../../lib/rpc/calls/os.ts';
import { put } from '../../lib/store/changes.ts';
import { changeOf, isChanged } from '../../lib/surfaces/rapi/job-change.ts';
import { onNode1, QueueFixture } from '../jobs/fixture.ts';
import { withStore } from '../store/sqlite/fixture.ts';

const nobody: Principal = { name: null, rights: [] };
const reader: Principal = { name: 'reader', rights: ['read'] };
const never = new AbortController().signal;

/** The time, in milliseconds, after which a test gives up waiting; nothing of the tests depends on its length. */
const LONG = 60_000;

describe('initCluster', () => {
  const spec = (name: string) =>
    ClusterSpec.parse({
      name,
      enabled_hypervisors: ['fake'],
      enabled_disk_templates: ['diskless'],
      nodes: [{ name: 'node1', primary_ip: '198.51.100.1' }],
    });

  it('makes a cluster once', () =>
    withStore(async (fixture) => {
      const store = await fixture.open();
      await initCluster(store, spec('first'), systemWorld);
      assert.equal(store.view.cluster.name, 'first');
      const { view } = store;
      await assert.rejects(initCluster(store, spec('second'), systemWorld), {
        code: 'already_exists',
        message: 'There is a cluster already: first',
      });
      assert.equal(store.view, view, 'nothing has changed');
      assert.deepEqual(
        [view.nodes.list().map(({ name }) => name), view.groups.list().map(({ name }) => name)],
        [['node1'], ['default']],
      );
      assert.equal(view.nodesOf(view.groups.list()[0]?.uuid ?? '').length, 1);
    }));
});

describe('manager', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
  });
  after(() => f.close());

  it('lets only those submit, cancel and wait who may write; to look is for everybody', async () => {
    const write = [{ OP_ID: 'OP_TEST_DELAY', duration: 0 }];
    for (const principal of [nobody, reader]) {
      await assert.rejects(f.manager.submit(principal, write), { code: 'forbidden' });
      await assert.rejects(f.manager.cancelJob(principal, 1), { code: 'forbidden' });
      await assert.rejects(f.manager.waitForJob(principal, 1, { isNews: () => true, signal: never }), {
        code: 'forbidden',
      });
    }
    const console = [{ OP_ID: 'OP_INSTANCE_CONSOLE', instance_name: 'nosuch' }];
    await assert.rejects(f.manager.submit(nobody, console), { code: 'forbidden' });
    await assert.rejects(f.manager.submit(nobody, [{ OP_ID: 'OP_NO_SUCH' }]), { code: 'wrong_input' });
    assert.deepEqual(await f.manager.jobIds(nobody), [], 'nothing of that is a job');
    const ids = [
      await f.manager.submit(nobody, [{ OP_ID: 'OP_INSTANCE_QUERY_DATA' }]),
      await f.manager.submit(reader, console),
      await f.manager.submit(SYSTEM, write),
    ];
    for (const id of ids) await f.ended(id);
    assert.deepEqual(await f.manager.jobIds(nobody), ids);
    assert.equal((await f.manager.job(nobody, ids[2] as number))?.status, 'success');
    assert.equal(await f.manager.job(nobody, 999), null);
    assert.equal(f.manager.cluster(nobody).name, 'cluster.example.com');
    await assert.rejects(f.manager.submit(nobody, [{ OP_ID: 'OP_INSTANCE_QUERY_DATA' }, ...write]), {
      code: 'forbidden',
    });
  });

  it('reads objects and jobs by the query language, for those who may read', async () => {
    await assert.rejects(f.manager.query(nobody, 'group', ['name'], null), { code: 'forbidden' });
    await assert.rejects(f.manager.queryRows(nobody, 'group', ['name'], null), { code: 'forbidden' });
    const groups = await f.manager.query(reader, 'group', ['name', 'colour'], ['=', 'name', 'default']);
    assert.deepEqual(groups.data, [
      [
        [0, 'default'],
        [1, null],
      ],
    ]);
    assert.equal(groups.fields[1]?.kind, 'unknown');
    const job = await f.run({ OP_ID: 'OP_TEST_DELAY', duration: 0 });
    const jobs = await f.manager.query(reader, 'job', ['id', 'status'], ['=', 'id', job.id]);
    assert.deepEqual(jobs.data, [
      [
        [0, job.id],
        [0, 'success'],
      ],
    ]);
    await assert.rejects(f.manager.query(reader, 'colour', ['name'], null), {
      code: 'wrong_input',
    });
    await assert.rejects(f.manager.query(reader, 'node', ['name'], ['=']), {
      code: 'wrong_input',
    });
    const fields = f.manager.queryFields(nobody, 'node', ['name', 'colour']);
    assert.deepEqual(
      fields.fields.map(({ name }) => name),
      ['name', 'colour'],
    );
    assert.throws(() => f.manager.queryFields(nobody, 'colour', null), { code: 'wrong_input' });
  });

  it('tells the tags of objects', async () => {
    await f.run({ OP_ID: 'OP_TAGS_SET', kind: 'node', name: 'node1', tags: ['b', 'a'] });
    assert.deepEqual(f.manager.tags(nobody, 'node', 'node1'), ['a', 'b']);
    assert.deepEqual(f.manager.tags(nobody, 'cluster', null), []);
    assert.throws(() => f.manager.tags(nobody, 'instance', 'nosuch'), { code: 'not_found' });
  });

  it('names the OS definitions that are valid on all nodes, each variant, but no hidden or blacklisted ones', async () => {
    const os = (name: string, patch: Partial<OsDefinition> = {}): OsDefinition => ({
      ...{ name, path: `/srv/os/${name}`, valid: true, message: '', variants: [], parameters: [] },
      ...{ api_versions: [20], trusted: true },
      ...patch,
    });
    const common = [os('debian', { variants: ['min', 'full'] }), os('noop'), os('secret'), os('old')];
    const nodes = {
      callAll: async () =>
        new Map([
          [
            'node1-uuid',
            { result: { definitions: [...common, os('only-here'), os('broken', { valid: false })] } },
          ],
          ['node2-uuid', { result: { definitions: [...common, os('broken')] } }],
        ]),
    } as unknown as NodeCaller;
    const manager = createManager({
      ...{ store: f.store, queue: f.queue, runtime: f.runtime, nodes, ...systemWorld, policy: sameForAll },
      history: new History(f.store, systemClock),
    });
    assert.deepEqual(await manager.osNames(nobody), ['debian+min', 'debian+full', 'noop', 'old', 'secret']);
    const { cluster } = f.store.view;
    const hiding = changed(cluster, { hidden_os: ['secret'], blacklisted_os: ['old'] }, 2);
    await f.store.commit({ job: null }, () => [put('cluster', hiding)]);
    assert.deepEqual(await manager.osNames(nobody), ['debian+min', 'debian+full', 'noop']);
    const { data } = await manager.query(reader, 'os', ['name', 'valid', 'hidden', 'blacklisted'], null);
    const rows = data.map((cells) => cells.map(([, value]) => value));
    assert.deepEqual(rows, [
      ['broken', false, false, false],
      ['debian', true, false, false],
      ['noop', true, false, false],
      ['old', true, false, true],
      ['only-here', false, false, false],
      ['secret', true, true, false],
    ]);
  });

  it('adds the nodes of a specification that are missing, a job each', async () => {
    f.holds = () => true;
    const spec = ClusterSpec.parse({
      name: 'cluster.example.com',
      enabled_hypervisors: ['fake'],
      enabled_disk_templates: ['diskless'],
      nodes: ['node1', 'node2', 'node3', 'node4'].map((name, at) => ({
        name: `${name}.example.com`,
        primary_ip: `198.51.100.${at}`,
      })),
    });
    const ids = await joinNodes(f.manager, spec);
    const jobs = await Promise.all(ids.map((id) => f.queue.get(id)));
    assert.deepEqual(
      jobs.map((job) => [job?.ops[0]?.input.OP_ID, job?.ops[0]?.input.node_name]),
      [
        ['OP_CLUSTER_POST_INIT', undefined],
        ['OP_NODE_ADD', 'node3.example.com'],
        ['OP_NODE_ADD', 'node4.example.com'],
      ],
    );
    for (const _ of ids) (await f.heldBy(0)).end(new Error('enough'));
    for (const id of ids) assert.equal((await f.ended(id)).status, 'error');
    f.holds = ({ name }) => name === 'node.delay';
  });
});

describe('waiting for a job', () => {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
  });
  after(() => f.close());
  const wait = async (
    id: number,
    info: unknown[] | null,
    serial: number | null,
    timeout = LONG,
    signal = never,
  ) => {
    const known = { fields: ['status', 'id'], info, serial: serial ?? 0 };
    const isNews = (job: Job) => isChanged(job, known);
    const job = await f.manager.waitForJob(SYSTEM, id, { isNews, timeout, signal });
    return job && changeOf(job, known);
  };

  it('answers at once when the fields differ from what is known, and else when they change', async () => {
    const id = await f.submit(onNode1);
    const held = await f.heldBy(id);
    assert.deepEqual(await wait(id, null, null), { job_info: ['running', id], log_entries: [] });
    const next = wait(id, ['running', id], 0);
    held.end();
    assert.deepEqual(await next, { job_info: ['success', id], log_entries: [] });
    assert.deepEqual(await wait(id, ['running', id], 0), { job_info: ['success', id], log_entries: [] });
  });

  it('answers when there are log lines that are not known, with those alone', async () => {
    const id = await f.submit({ ...onNode1, dry_run: true }, { ...onNode1, dry_run: true }, onNode1);
    const held = await f.heldBy(id);
    const first = await wait(id, ['running', id], null);
    assert.deepEqual(
      first?.log_entries.map((entry) => (entry as unknown[])[0]),
      [1, 2],
    );
    const change = await wait(id, ['running', id], 1);
    const [serial, time, type, text] = (change?.log_entries[0] ?? []) as unknown[];
    assert.deepEqual([serial, type], [2, 'message']);
    assert.equal((time as number[]).length, 2);
    assert.match(String(text), /dry run/);
    const next = wait(id, ['running', id], 2);
    held.end();
    assert.deepEqual(await next, { job_info: ['success', id], log_entries: [] });
  });

  it('answers null when nothing changes in time or the client goes away', async () => {
    const id = await f.submit(onNode1);
    const held = await f.heldBy(id);
    assert.equal(await wait(id, ['running', id], 0, 1), null);
    const gone = new AbortController();
    const waiting = wait(id, ['running', id], 0, LONG, gone.signal);
    gone.abort();
    assert.equal(await waiting, null);
    held.end();
    await f.ended(id);
  });

  it('does not wait for a job that has ended: nothing more will come of it', async () => {
    const { id } = await f.run({ OP_ID: 'OP_TEST_DELAY', duration: 0 });
    assert.deepEqual(await wait(id, ['success', id], 0), { job_info: ['success', id], log_entries: [] });
  });

  it('sees a job begin to wait and to run', async () => {
    const first = await f.submit(onNode1);
    const held = await f.heldBy(first);
    const id = await f.submit(onNode1);
    assert.deepEqual((await wait(id, ['queued', id], 0))?.job_info, ['waiting', id]);
    const running = wait(id, ['waiting', id], 0);
    held.end();
    assert.deepEqual((await running)?.job_info, ['running', id]);
    (await f.heldBy(id)).end();
    assert.equal((await f.ended(id)).status, 'success');
  });

  it('says that there is no such job', async () => {
    await assert.rejects(wait(999, null, null), { code: 'not_found', message: 'There is no job 999' });
  });
});
