import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { OpInput } from '../../../lib/model/job.ts';
import type { TestCluster } from '../../helpers/cluster.ts';
import { BackupFixture, create } from '../backup/fixture.ts';

/** A host name of so many characters. */
function nameOf(length: number, letter: string): string {
  const labels: string[] = [];
  for (let left = length; left > 0; left -= 64) labels.push(letter.repeat(Math.min(left, 63)));
  return labels.join('.').slice(0, length);
}

const longest = nameOf(240, 'n');
const another = nameOf(240, 'm');
const uuid = '3b241101-e2bb-4255-8caf-4136c566a962';

describe('names', () => {
  let f: BackupFixture;
  let cluster: TestCluster;
  before(async () => {
    f = await BackupFixture.make([`${nameOf(238, 'x')}.1`, `${nameOf(238, 'x')}.2`]);
    cluster = f.cluster;
  });
  after(() => f.close());

  const nodes = () => cluster.store.view.nodes.list().map(({ name }) => name);
  const refused = async (op: OpInput, message: RegExp) => {
    const before = cluster.store.view;
    const { failure } = (await cluster.run(op)).ops[0] ?? {};
    assert.equal(failure?.code, 'wrong_input', JSON.stringify(failure));
    assert.match(failure?.message ?? '', message);
    for (const kind of ['instances', 'groups', 'networks', 'nodes'] as const)
      assert.equal(cluster.store.view[kind].size, before[kind].size);
  };

  it('of 240 characters live through every operation', async () => {
    const [pnode = '', snode = ''] = nodes();
    assert.deepEqual([pnode.length, longest.length], [240, 240]);
    const on = (instance_name: string, noun: string, more = {}) => ({
      OP_ID: `OP_INSTANCE_${noun}`,
      instance_name,
      ...more,
    });
    const disks = { disks: [{ size: 4 }, { size: 4 }] };
    await cluster.done({ ...create({ instance_name: longest, pnode, ...disks }), start: true });
    await cluster.done(on(longest, 'REBOOT', { reboot_type: 'hard' }));
    await cluster.done(on(longest, 'SET_PARAMS', { beparams: { vcpus: 2 } }));
    await cluster.done(on(longest, 'GROW_DISK', { disk: 0, amount: 4 }));
    await cluster.done({
      OP_ID: 'OP_BACKUP_EXPORT',
      instance_name: longest,
      target_node: snode,
      shutdown: true,
    });
    await cluster.done(on(longest, 'SHUTDOWN'));
    await cluster.done(on(longest, 'REINSTALL'));
    await cluster.done(on(longest, 'RENAME', { new_name: another, name_check: false, ip_check: false }));
    await cluster.done(on(another, 'RENAME', { new_name: longest, name_check: false, ip_check: false }));
    await cluster.done(on(longest, 'MOVE', { target_node: snode }));
    await cluster.done(on(longest, 'STARTUP'));
    await cluster.done(on(longest, 'REMOVE'));
    await cluster.done({
      ...create({ instance_name: longest, pnode, disks: [] }),
      mode: 'import',
      src_node: snode,
    });
    await cluster.done(on(longest, 'STARTUP'));
    await cluster.done(on(longest, 'REMOVE'));
    await cluster.done({ OP_ID: 'OP_BACKUP_REMOVE', instance_name: longest });
    const mirrored = { instance_name: longest, pnode, snode, disk_template: 'drbd', disks: [{ size: 4 }] };
    await cluster.done({ ...create(mirrored), start: true });
    await cluster.done(on(longest, 'MIGRATE'));
    await cluster.done(on(longest, 'FAILOVER'));
    await cluster.done(on(longest, 'REMOVE'));
    await cluster.done({ OP_ID: 'OP_GROUP_ADD', group_name: 'g'.repeat(240) });
    await cluster.done({ OP_ID: 'OP_NETWORK_ADD', network_name: 'n'.repeat(240), network: '192.0.2.0/24' });
  });

  it('that are longer are refused at once', async () => {
    const [pnode = ''] = nodes();
    for (const length of [241, 250, 254, 255, 300]) {
      const instance_name = nameOf(length, 'n');
      const message = new RegExp(`may have at most 240 characters, .* has ${length}`);
      await refused(create({ instance_name, pnode }), message);
      await refused({ OP_ID: 'OP_GROUP_ADD', group_name: 'g'.repeat(length) }, message);
    }
    const network = { network_name: 'n'.repeat(241), network: '192.0.2.0/24' };
    await refused({ OP_ID: 'OP_NETWORK_ADD', ...network }, /may have at most 240 characters/);
    await refused({ OP_ID: 'OP_NODE_ADD', node_name: nameOf(241, 'n'), primary_ip: '192.0.2.1' }, /240/);
  });

  it('that could be taken for something else are refused', async () => {
    const [pnode = ''] = nodes();
    const renames = (new_name: string) => ({ OP_ID: 'OP_GROUP_RENAME', group_name: 'default', new_name });
    for (const name of [uuid, uuid.toUpperCase()]) {
      await refused(create({ instance_name: name, pnode }), /looks like a uuid/);
      await refused({ OP_ID: 'OP_NODE_ADD', node_name: name, primary_ip: '192.0.2.1' }, /looks like a uuid/);
    }
    for (const name of [uuid, '.', '..']) {
      await refused({ OP_ID: 'OP_GROUP_ADD', group_name: name }, /cannot be the name of a node group/);
      await refused(renames(name), /cannot be the name of a node group/);
      const network = { network_name: name, network: '192.0.2.0/24' };
      await refused({ OP_ID: 'OP_NETWORK_ADD', ...network }, /cannot be the name of a network/);
    }
    for (const node_name of ['master', 'Master.', 'ca', 'api', 'rapi'])
      await refused({ OP_ID: 'OP_NODE_ADD', node_name, primary_ip: '192.0.2.1' }, /which is a role/);
  });
});
