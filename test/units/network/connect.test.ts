import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { create, InstanceFixture, instance_name } from '../instance/fixture.ts';

const network_name = 'lan';
const group_name = 'default';

describe('connected networks', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make({}, ['node3.example.com']);
    const range = { network: '203.0.113.0/29', gateway: '203.0.113.1' };
    await f.cluster.done({ OP_ID: 'OP_NETWORK_ADD', network_name, ...range });
  });
  after(() => f.close());

  const connect = (over: Record<string, unknown> = {}) => ({
    ...{ OP_ID: 'OP_NETWORK_CONNECT', network_name, group_name },
    ...{ network_mode: 'bridged', network_link: 'br7', ...over },
  });
  const disconnect = { OP_ID: 'OP_NETWORK_DISCONNECT', network_name, group_name };
  const network = () => f.cluster.store.view.networks.named(network_name) ?? assert.fail();
  const group = () => f.cluster.store.view.groups.named(group_name) ?? assert.fail();
  const inNetwork = (over: Record<string, unknown> = {}) =>
    create({ nics: [{ network: network_name, ip: 'pool' }], ...over });

  async function connected(run: () => Promise<unknown>): Promise<void> {
    await f.cluster.done(connect());
    try {
      await run();
    } finally {
      await f.cluster.done(disconnect);
    }
  }

  it('stay as they are when they are connected again', async () => {
    await f.cluster.done(connect({ network_vlan: '.7' }), connect());
    assert.deepEqual(group().networks, { [network().uuid]: { mode: 'bridged', link: 'br7', vlan: '.7' } });
    await f.cluster.done(disconnect);
    assert.deepEqual(group().networks, {});
  });

  it('are shown with the NICs that are in them', () =>
    connected(async () => {
      await f.cluster.done(inNetwork());
      const fields = ['nic.networks', 'nic.networks.names', 'nic.network.name/0', 'nic.ip/0', 'nic.link/0'];
      const { data } = await f.cluster.manager.query(SYSTEM, 'instance', fields, null);
      const { uuid } = network();
      assert.deepEqual(
        data[0]?.map(([, value]) => value),
        [[uuid], ['lan'], 'lan', '203.0.113.2', 'br7'],
      );
      const job = await f.cluster.done({
        OP_ID: 'OP_INSTANCE_QUERY_DATA',
        instances: [instance_name],
        static: true,
      });
      const [info] = Object.values(job.ops[0]?.result as Record<string, { nics: unknown[][] }>);
      assert.deepEqual(info?.nics[0]?.slice(4), ['bridged', 'br7', '', uuid, network()]);
      await f.remove();
    }));

  it('keep the addresses of their NICs from becoming gateways', () =>
    connected(async () => {
      await f.cluster.done(inNetwork());
      const gateway = { OP_ID: 'OP_NETWORK_SET_PARAMS', network_name, gateway: '203.0.113.2' };
      await f.refuses(gateway, 'execution', /203\.0\.113\.2 is used by instance web/);
      await f.remove();
      await f.cluster.done(gateway);
      assert.deepEqual(network().reservations, ['203.0.113.0', '203.0.113.2', '203.0.113.7']);
    }));

  it('are a reason for the allocator to take a node of their groups', () =>
    connected(async () => {
      const group_name = 'rack2';
      const nodes = ['node1', 'node2'];
      await f.cluster.done(
        { OP_ID: 'OP_GROUP_ADD', group_name },
        { OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name, nodes },
      );
      const anywhere = { pnode: null, iallocator: 'hail' };
      await f.cluster.done(inNetwork(anywhere));
      const node = f.cluster.store.view.nodes.get(f.instance.primary_node);
      assert.equal(node?.name, 'node3.example.com');
      await f.remove();
      await f.refuses(inNetwork(), 'wrong_input', /lan is not connected to group rack2 of node node1/);
      await f.refuses(
        inNetwork({ ...anywhere, group_name }),
        'insufficient_resources',
        /group rack2: it is not connected to network lan/,
      );
      await f.cluster.done(
        { OP_ID: 'OP_GROUP_ASSIGN_NODES', group_name: 'default', nodes },
        { OP_ID: 'OP_GROUP_REMOVE', group_name },
      );
    }));
});
