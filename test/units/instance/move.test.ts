import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { OpInput } from '../../../lib/model/job.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { eventually } from '../../helpers/program.ts';
import { InstanceFixture, instance_name } from './fixture.ts';

const [node1, node2, node3] = ['node1.example.com', 'node2.example.com', 'node3.example.com'];

describe('moving instances between nodes', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] }, [node3]);
  });
  after(() => f.close());

  const migrate = (over: Record<string, unknown> = {}): OpInput => ({
    OP_ID: 'OP_INSTANCE_MIGRATE',
    instance_name,
    ...over,
  });
  const failover = (over: Record<string, unknown> = {}): OpInput => ({
    ...migrate(over),
    OP_ID: 'OP_INSTANCE_FAILOVER',
  });
  const shared = { disk_template: 'sharedfile', start: true };
  const drbd = { disk_template: 'drbd', snode: node2, start: true };

  /** On which nodes there is a guest of the instance, and how it is. */
  async function guests(): Promise<Record<string, string>> {
    const { view } = f.cluster.store;
    const found: Record<string, string> = {};
    for (const node of view.nodes.list()) {
      const guest = f.cluster.runtime.guest(node.uuid, f.instance);
      if (guest) found[node.name] = guest.state;
    }
    return found;
  }

  const primary = () => f.cluster.store.view.nodes.get(f.instance.primary_node)?.name;

  const withInstance = (over: Record<string, unknown>, use: () => Promise<void>) => f.withInstance(over, use);

  it('migrates a running guest to a node that reaches its disks', () =>
    withInstance(shared, async () => {
      const job = await f.cluster.done(migrate({ target_node: 'node2' }));
      assert.deepEqual(await guests(), { [node2]: 'running' });
      assert.equal(primary(), node2);
      assert.equal(job.ops[0]?.resolved.target_node, node2);
      assert.equal(job.ops[0]?.resolved.mode, 'live');
      await f.refuses(
        migrate({ target_node: node2 }),
        'wrong_state',
        `Node ${node2} is the primary node of ${instance_name} already`,
      );
    }));

  it('lets the allocator choose where none is named', () =>
    withInstance(shared, async () => {
      const job = await f.cluster.done(migrate());
      assert.notEqual(primary(), node1);
      assert.match(job.ops[0]?.log[0]?.text ?? '', /^The built-in allocator chose node[23]/);
    }));

  it('moves one with mirrored disks to its secondary node and nowhere else, and the mirror turns round', () =>
    withInstance(drbd, async () => {
      await f.refuses(
        migrate({ target_node: node3 }),
        'wrong_input',
        /can only go to its secondary node node2/,
      );
      await f.cluster.done(migrate({ mode: 'non-live' }));
      assert.deepEqual(await guests(), { [node2]: 'running' });
      await f.cluster.done(migrate());
      assert.deepEqual(await guests(), { [node1]: 'running' });
      await f.cluster.done(failover());
      assert.deepEqual(await guests(), { [node2]: 'running' });
      assert.equal(primary(), node2);
    }));

  it('fails over what does not run, and does not start it', () =>
    withInstance({ ...shared, start: false }, async () => {
      await f.refuses(
        migrate({ target_node: node2 }),
        'wrong_state',
        /does not run, so it cannot be migrated/,
      );
      await f.cluster.done(migrate({ target_node: node2, allow_failover: true }));
      assert.equal(primary(), node2);
      assert.deepEqual(await guests(), {});
      await f.cluster.done(failover({ target_node: node3 }));
      assert.equal(primary(), node3);
    }));

  it('stops and starts it when that is what its parameters want', () =>
    withInstance({ ...shared, beparams: { always_failover: true } }, async () => {
      const job = await f.cluster.done(migrate({ target_node: node2 }));
      assert.match(job.ops[0]?.log.map(({ text }) => text).join() ?? '', /has always_failover/);
      assert.deepEqual(await guests(), { [node2]: 'running' });
    }));

  it('takes it away from a node that is offline', () =>
    withInstance(drbd, async () => {
      await f.withNode(node1, { offline: true }, async () => {
        await f.refuses(migrate(), 'wrong_state', /does not run|offline/);
        await f.cluster.done(failover());
        assert.equal(primary(), node2);
      });
      // The old guest ran all the time: nobody could stop it. That is a duty, which is done now that the node is back.
      await eventually('the guest is gone', async () => (node1 in (await guests()) ? null : true));
      assert.deepEqual(await guests(), { [node2]: 'running' });
      await eventually('no duty is left', async () => f.cluster.store.view.duties.length === 0 || null);
    }));

  it('refuses what cannot be', async () => {
    await withInstance({ start: true }, async () => {
      for (const op of [migrate(), failover()])
        await f.refuses(op, 'wrong_state', /Disks of the template 'file' are on one node only/);
    });
    await withInstance(shared, async () => {
      await f.refuses(migrate({ target_node: 'nosuch' }), 'not_found', /There is no node 'nosuch'/);
      await f.refuses(migrate({ target_node: node2, iallocator: 'hail' }), 'wrong_input', /not both/);
      await f.refuses(migrate({ mode: 'live', live: true }), 'wrong_input', /mode or live/);
      await f.withNode(node2, { drained: true }, () =>
        f.refuses(migrate({ target_node: node2 }), 'wrong_state', /is drained/),
      );
    });
    await f.refuses(migrate(), 'not_found', /There is no instance/);
  });

  it('puts right where an instance belongs', () =>
    withInstance(shared, async () => {
      await f.cluster.done(migrate({ cleanup: true }));
      assert.equal(primary(), node1);
      await f.cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name });
      await f.refuses(migrate({ cleanup: true }), 'wrong_state', /does not run on any node/);
    }));

  it('evacuates secondary instances to another node, and primary ones to their secondary node', () =>
    withInstance(drbd, async () => {
      const evacuate = (node_name: string, over: Record<string, unknown>): OpInput => ({
        OP_ID: 'OP_NODE_EVACUATE',
        node_name,
        ...over,
      });
      const all = async (op: OpInput) => {
        const { ops } = await f.cluster.done(op);
        const { jobs = [] } = (ops[0]?.result ?? {}) as { jobs?: [boolean, number][] };
        for (const [, id] of jobs) assert.equal((await f.cluster.ended(id)).status, 'success');
        return jobs.length;
      };
      assert.equal(await all(evacuate('node2', { mode: 'secondary-only' })), 1);
      assert.deepEqual(f.cluster.store.view.secondariesOn(f.node(node3)).length, 1);
      assert.equal(await all(evacuate('node3', { mode: 'secondary-only', remote_node: 'node2' })), 1);
      assert.equal(await all(evacuate('node1', { mode: 'primary-only' })), 1);
      assert.deepEqual(await guests(), { [node2]: 'running' });
      assert.equal(await all(evacuate('node3', { mode: 'secondary-only' })), 0);
      await f.refuses(evacuate('node1', { mode: 'all' }), 'wrong_input', /by separate jobs/);
      const both = { mode: 'secondary-only', remote_node: 'node3', iallocator: 'hail' };
      await f.refuses(evacuate('node1', both), 'wrong_input', /not both/);
      await f.refuses(
        evacuate('node1', { mode: 'primary-only', remote_node: 'node3' }),
        'wrong_input',
        /secondary/,
      );
      await f.refuses(evacuate('nosuch', { mode: 'primary-only' }), 'not_found', /nosuch/);
    }));

  it('empties a node: a job for each instance', () =>
    withInstance(shared, async () => {
      const { ops } = await f.cluster.done({
        OP_ID: 'OP_NODE_MIGRATE',
        node_name: 'node1',
        target_node: 'node3',
      });
      const result = (ops[0]?.result ?? {}) as { jobs?: [boolean, number][] };
      const id = result.jobs?.[0]?.[1] ?? assert.fail('no job');
      const job = await f.cluster.ended(id);
      assert.equal(job.status, 'success');
      assert.equal(job.ops[0]?.input.comment, 'Submitted by OP_NODE_MIGRATE');
      assert.deepEqual(await guests(), { [node3]: 'running' });
      const none = await f.cluster.done({ OP_ID: 'OP_NODE_MIGRATE', node_name: 'node1' });
      assert.deepEqual(none.ops[0]?.result, { jobs: [] });
    }));
});
