import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Job, OpInput } from '../../lib/model/job.ts';
import { TestCluster } from '../helpers/cluster.ts';

/** The allocator of the name `hail`, and how it is known by what it says. */
const allocators = [
  {
    name: 'the built-in allocator',
    folders: [],
    answers: /^The built-in allocator chose /m,
    refuses: /^No node has room for the instance\. .*node1: \d+ MiB of memory short/,
  },
  {
    name: "Ganeti's hail, of Debian's ganeti-htools,",
    folders: ['/usr/lib/ganeti/iallocators'],
    answers: /^The allocator hail \(.*\/hail\) answers: Request successful/m,
    refuses: /hail\) found no nodes: Request failed: .*FailMem/,
  },
];

for (const { name, folders, answers, refuses } of allocators)
  describe(`${name} chooses nodes`, () => {
    let cluster: TestCluster;
    before(async () => {
      cluster = await TestCluster.start(['node1', 'node2', 'node3', 'node4', 'node5'], [], {
        enabled_disk_templates: ['diskless', 'drbd', 'plain', 'sharedfile'],
        iallocator_search_path: folders,
      });
      await cluster.done({ OP_ID: 'OP_GROUP_ADD', group_name: 'other' });
      await cluster.done({ OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name: 'other', nodes: ['node4', 'node5'] });
    });
    after(() => cluster.close());

    const logOf = ({ ops }: Job) => ops[0]?.log.map(({ text }) => text).join('\n') ?? '';
    const create = (instance_name: string, over: Record<string, unknown> = {}): OpInput => ({
      ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name, mode: 'create', disk_template: 'drbd', start: false },
      ...{
        disks: [{ size: 16 }],
        nics: [],
        os_type: null,
        no_install: true,
        beparams: { memory: 64, vcpus: 1 },
      },
      ...over,
    });
    const nodesOf = (name: string) => {
      const { view } = cluster.store;
      const instance = view.instances.named(name) ?? assert.fail(`there is no ${name}`);
      const secondary = view.nodes.list().find(({ uuid }) => view.secondariesOn(uuid).includes(instance));
      return [view.nodes.get(instance.primary_node)?.name, secondary?.name].filter(
        (each) => each !== undefined,
      );
    };
    /** Runs an opcode that leaves jobs behind; they must succeed. */
    const withJobs = async (op: OpInput): Promise<Job> => {
      const job = await cluster.done(op);
      const { jobs = [] } = (job.ops[0]?.result ?? {}) as { jobs?: [boolean, number][] };
      for (const [, id] of jobs) {
        const { status, ops } = await cluster.ended(id);
        assert.equal(status, 'success', JSON.stringify(ops.map(({ failure }) => failure)));
      }
      return job;
    };
    it('allocate: new instances, with one node and with two', async () => {
      const job = await cluster.done(create('a', { iallocator: 'hail', group_name: 'default' }));
      assert.match(logOf(job), answers);
      assert.equal(nodesOf('a').length, 2);
      const none = create('b', { beparams: { memory: 1 << 20 } });
      const { ops } = await cluster.run(none);
      assert.equal(ops[0]?.failure?.code, 'insufficient_resources');
      assert.match(ops[0]?.failure?.message ?? '', refuses);
    });

    it('relocate: another secondary node', async () => {
      const [primary, secondary] = nodesOf('a');
      const job = await cluster.done({
        ...{ OP_ID: 'OP_INSTANCE_REPLACE_DISKS', instance_name: 'a', mode: 'replace_new_secondary' },
        iallocator: 'hail',
      });
      assert.match(logOf(job), answers);
      const [left, fresh] = nodesOf('a');
      assert.equal(left, primary);
      assert.notEqual(fresh, secondary);
    });

    it('relocate: another primary node where the disks are on all', async () => {
      await cluster.done(create('s', { disk_template: 'sharedfile', group_name: 'default' }));
      const [before] = nodesOf('s');
      const job = await cluster.done({ OP_ID: 'OP_INSTANCE_FAILOVER', instance_name: 's' });
      assert.match(logOf(job), answers);
      assert.notEqual(nodesOf('s')[0], before);
    });

    it('node-evacuate: primary and secondary instances', async () => {
      const [primary = ''] = nodesOf('a');
      await withJobs({ OP_ID: 'OP_NODE_EVACUATE', node_name: primary, mode: 'primary-only' });
      assert.equal(nodesOf('a')[1], primary);
      const job = await withJobs({ OP_ID: 'OP_NODE_EVACUATE', node_name: primary, mode: 'secondary-only' });
      assert.match(logOf(job), answers);
      assert.ok(!nodesOf('a').includes(primary));
    });

    it('change-group: an instance, then whole groups', async () => {
      const there = ['node4', 'node5'];
      const job = await withJobs({
        ...{ OP_ID: 'OP_INSTANCE_CHANGE_GROUP', instance_name: 'a', target_groups: ['other'] },
        iallocator: 'hail',
      });
      assert.match(logOf(job), answers);
      assert.deepEqual(nodesOf('a').sort(), there);
      await withJobs({ OP_ID: 'OP_GROUP_EVACUATE', group_name: 'other', sequential: true });
      assert.ok(nodesOf('a').every((name) => !there.includes(name ?? '')));
      await withJobs({ OP_ID: 'OP_GROUP_EVACUATE', group_name: 'default', force_failover: true });
      assert.deepEqual([...nodesOf('a')].sort(), there);
      assert.ok(there.includes(nodesOf('s')[0] ?? ''));
    });

    it('allocate-secondary: mirrors for disks that have none', async () => {
      await cluster.done(create('p', { disk_template: 'plain', group_name: 'default' }));
      const [primary] = nodesOf('p');
      const job = await cluster.done({
        ...{ OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name: 'p', disk_template: 'drbd', iallocator: 'hail' },
      });
      assert.match(logOf(job), answers);
      assert.deepEqual([nodesOf('p')[0], nodesOf('p').length], [primary, 2]);
    });

    it('multi-allocate: several at once', async () => {
      const instances = ['m', 'n'].map((name) => {
        const { OP_ID: _id, ...rest } = create(name);
        return rest;
      });
      const job = await withJobs({ OP_ID: 'OP_INSTANCE_MULTI_ALLOC', instances });
      assert.match(logOf(job), answers);
      assert.deepEqual([nodesOf('m').length, nodesOf('n').length], [2, 2]);
    });

    it('OP_TEST_ALLOCATOR shows what it is told and what it answers', async () => {
      const asked = { OP_ID: 'OP_TEST_ALLOCATOR', iallocator: 'hail', mode: 'relocate', name: 'a' };
      const told = await cluster.done({ ...asked, direction: 'in' });
      const input = JSON.parse(String(told.ops[0]?.result));
      assert.deepEqual([input.version, input.request.type, input.request.name], [2, 'relocate', 'a']);
      const answered = await cluster.done({
        ...asked,
        direction: 'out',
        mode: 'change-group',
        instances: ['a'],
      });
      const { success, result } = JSON.parse(String(answered.ops[0]?.result));
      assert.deepEqual([success, result[0][0][0], result[1]], [true, 'a', []]);
    });
  });
