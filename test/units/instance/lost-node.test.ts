import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import type { Job, OpInput } from '../../../lib/model/job.ts';
import { diskTemplates } from '../../../lib/model/templates/index.ts';
import { eventually } from '../../helpers/program.ts';
import { create, InstanceFixture, instance_name } from './fixture.ts';

const [node1, node2, node3] = ['node1.example.com', 'node2.example.com', 'node3.example.com'];
const drbd = { disk_template: 'drbd', snode: node2, start: true };

const texts = (job: Job) => job.ops.flatMap(({ log }) => log.map(({ text }) => text));

async function status(f: InstanceFixture): Promise<unknown> {
  const { data } = await f.cluster.manager.query(SYSTEM, 'instance', ['status'], null);
  return data[0]?.[0]?.[1];
}

describe('an offline secondary node', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] });
  });
  after(() => f.close());

  it('keeps the primary one from nothing, and is told of', async () => {
    await f.cluster.done(create({ ...drbd, disks: [{ size: 1 }, { size: 1, name: 'data' }] }));
    await f.withNode(node2, { offline: true }, async () => {
      const does = async (verb: string, over: object = {}, name = instance_name) => {
        const job = await f.cluster.done({ OP_ID: `OP_INSTANCE_${verb}`, instance_name: name, ...over });
        assert.match(
          texts(job).join('\n'),
          /Secondary node node2\S* is offline: its side of the disks/,
          verb,
        );
      };
      await does('REBOOT', { reboot_type: 'hard' });
      await does('REBOOT', { reboot_type: 'full' });
      assert.equal(await status(f), 'running');
      await does('SHUTDOWN');
      await does('ACTIVATE_DISKS');
      await does('DEACTIVATE_DISKS');
      await does('STARTUP');
      await does('SHUTDOWN');
      await does('REINSTALL');
      await does('SET_PARAMS', { disks: [['modify', 1, { name: 'old' }]] });
      await does('SET_PARAMS', { disks: [['remove', 1, {}]] });
      await f.refuses(
        { OP_ID: 'OP_INSTANCE_SET_PARAMS', instance_name, disks: [['add', -1, { size: 1 }]] },
        'wrong_state',
        /node2.*offline/,
      );
      await f.refuses(
        { OP_ID: 'OP_INSTANCE_GROW_DISK', instance_name, disk: 0, amount: 1 },
        'wrong_state',
        /node2.*offline/,
      );
      await does('RENAME', { new_name: 'other.example.com' });
      await does('STARTUP', {}, 'other.example.com');
      await does('REMOVE', {}, 'other.example.com');
      assert.equal(f.cluster.store.view.instances.size, 0);
    });
  });
});

describe('a lost node', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({ enabled_disk_templates: [...diskTemplates] }, [node3]);
  });
  after(() => f.close());

  const primary = () => f.cluster.store.view.nodes.get(f.instance.primary_node)?.name;

  /** Runs an opcode and the jobs that it submits, all of which must succeed. */
  async function all(op: OpInput): Promise<string> {
    const job = await f.cluster.done(op);
    const { jobs = [] } = (job.ops[0]?.result ?? {}) as { jobs?: [boolean, number][] };
    const told = texts(job);
    for (const [, id] of jobs) {
      const each = await f.cluster.ended(id);
      assert.equal(each.status, 'success', each.ops[0]?.failure?.message);
      told.push(...texts(each));
    }
    return told.join('\n');
  }

  /** With an instance that runs on node1, which is then marked offline. */
  async function withLost(over: Record<string, unknown>, use: () => Promise<void>): Promise<void> {
    await f.cluster.done(create(over));
    await f.withNode(node1, { offline: true }, use);
    await eventually('the node has given up what it ran', async () =>
      f.cluster.runtime.guest(f.node(node1), f.instance) ? null : true,
    );
    await f.remove();
  }

  const migrate = { OP_ID: 'OP_INSTANCE_MIGRATE', instance_name };
  const evacuate = { OP_ID: 'OP_NODE_EVACUATE', node_name: node1, mode: 'primary-only' };
  const ways: [string, OpInput][] = [
    ['a migration that may be a failover', { ...migrate, allow_failover: true }],
    ['the migration of the node', { OP_ID: 'OP_NODE_MIGRATE', node_name: node1 }],
    ['the evacuation of the node', evacuate],
  ];
  const templates: [string, Record<string, unknown>][] = [
    ['mirrored disks', drbd],
    ['shared disks', { disk_template: 'sharedfile', start: true }],
  ];
  for (const [how, op] of ways)
    for (const [disks, over] of templates)
      it(`gives up an instance with ${disks} to ${how}`, () =>
        withLost(over, async () => {
          const told = await all(op);
          assert.match(told, /Node node1\S* is offline: it is failed over instead/);
          assert.notEqual(primary(), node1);
          assert.equal(await status(f), 'running');
        }));

  it('keeps its instances from a migration that may not be a failover', () =>
    withLost(drbd, async () => {
      await f.refuses(migrate, 'wrong_state', /node1\S* is marked offline/);
      assert.equal(primary(), node1);
      await all({ ...migrate, allow_failover: true });
    }));
});
