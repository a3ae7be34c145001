import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { Manager } from '../../lib/manager/define.ts';
import type { NamedKind } from '../../lib/model/access.ts';
import { allParams, type Opcode, parseOp } from '../../lib/opcodes/define.ts';
import { naming, objectsOf } from '../../lib/opcodes/objects.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';
import { put } from '../../lib/store/changes.ts';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import type { RapiServer } from '../../lib/surfaces/rapi/server.ts';
import { alice, keyOf, OwnersPolicy } from '../access/fixture.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { aGroup, aNetwork, aNode, anInstance, viewOf } from '../helpers/view.ts';
import { QueueFixture } from '../jobs/fixture.ts';
import { serveManager } from '../surfaces/rapi/fixture.ts';

const all = Object.entries(opcodes as unknown as Record<string, Opcode>);

/** Names of objects of the view, one of each kind that the parameters of opcodes name. */
const names: Readonly<Record<NamedKind, string>> = {
  instance: 'named.example.com',
  node: 'named-node.example.com',
  group: 'named-group',
  network: 'named-network',
};
const view = viewOf({
  instances: [anInstance('named')],
  nodes: [aNode('named-node')],
  groups: [aGroup({ name: names.group })],
  networks: [aNetwork(names.network)],
});

/** Parameters that look as if they named an object of the cluster, and what they are instead. */
const others: Readonly<Record<string, string>> = {
  ignore_offline_nodes: 'a flag',
  instance_communication_network: 'a setting of the cluster',
  network: 'a range of addresses',
  remove_instance: 'a flag',
  source_instance_name: 'an instance of another cluster',
};

/** Opcodes that read what belongs to the whole cluster, whatever they name. */
const aboutAll = ['OP_TEST_ALLOCATOR', 'OP_INSTANCE_MULTI_ALLOC'];

describe('the objects of every opcode', () => {
  for (const [id, opcode] of all)
    describe(id, () => {
      const values = parseOp(opcode, { OP_ID: id, ...opcode.example });

      it('are never none, and are those that its parameters name', () => {
        assert.ok(objectsOf(opcode, values, view).length > 0);
        for (const { kind, name } of naming) {
          if (!Object.hasOwn(opcode.params, name) || aboutAll.includes(id)) continue;
          const isMade = opcode.makes !== undefined && name === `${opcode.makes}_name`;
          const wanted = isMade ? null : `${names[kind]}`.replace('.example.com', '').concat('-uuid');
          const one = { ...values, [name]: names[kind] };
          const found = objectsOf(opcode, one, view).map(keyOf);
          assert.ok(found.includes(`${kind} ${wanted}`), `${name}: ${found}`);
          const several = { ...values, [name]: ['nosuch', names[kind]] };
          const both = objectsOf(opcode, several, view).map(keyOf);
          assert.ok(both.includes(`${kind} ${wanted}`) && both.includes(`${kind} null`), `${name}: ${both}`);
        }
      });

      it('do not get lost with a uuid', () => {
        for (const { kind, name, uuid } of naming) {
          if (!uuid || !Object.hasOwn(opcode.params, uuid) || aboutAll.includes(id)) continue;
          const given = { ...values, [name]: names[kind], [uuid]: 'another-uuid' };
          const found = objectsOf(opcode, given, view).map(keyOf);
          assert.ok(found.includes(`${kind} another-uuid`), `${uuid}: ${found}`);
          assert.ok(found.length > 1, `${name} is forgotten: ${found}`);
        }
      });

      it('are named by parameters that are known, or not meant', () => {
        const known = new Set(naming.flatMap(({ name, uuid }) => [name, ...(uuid ? [uuid] : [])]));
        for (const name of Object.keys(allParams(opcode)))
          if (/(^|_)(instance|node|group|network|snode|pnode)s?(_(name|uuid)s?)?$|_uuids?$/.test(name))
            assert.ok(known.has(name) || Object.hasOwn(others, name), `${name} is in no list`);
      });
    });

  it('of NICs are their networks', () => {
    const network = `network ${names.network}-uuid`;
    const { OP_INSTANCE_CREATE: create, OP_INSTANCE_SET_PARAMS: modify } = opcodes;
    const nic = { network: names.network };
    for (const [opcode, nics] of [
      [create, [{}, nic]],
      [modify, [['add', nic]]],
      [modify, [['modify', 0, nic]]],
    ] as unknown as [Opcode, unknown][]) {
      const found = objectsOf(opcode, { ...opcode.example, nics }, view).map(keyOf);
      assert.ok(found.includes(network), `${opcode.id}: ${found}`);
    }
    const none = objectsOf(create as unknown as Opcode, { nics: [{ network: 'none' }] }, view).map(keyOf);
    assert.ok(!none.some((key) => key.startsWith('network')));
  });
});

describe('the manager', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['node1']);
  });
  after(() => cluster.close());

  it('takes no opcode from someone who has none of its objects', async () => {
    const policy = new OwnersPolicy(() => false);
    const manager = cluster.managerOf(policy);
    for (const [id, { example }] of all) {
      policy.asked.length = 0;
      await assert.rejects(manager.submit(alice, [{ OP_ID: id, ...example }]), { code: 'forbidden' }, id);
      assert.notDeepEqual(policy.asked, [], id);
    }
    assert.equal((await cluster.manager.jobIds(alice)).length, 1, 'the job that made the cluster');
  });
});

describe('the manager asks for the rights that the RAPI asks for', () => {
  let f: QueueFixture;
  let server: RapiServer;
  let trusting: RapiServer;
  before(async () => {
    f = await QueueFixture.make();
    await f.store.commit({ job: null }, () => [put('instance', anInstance('web1'))]);
    const rightsOf = (name: string) => (name === 'reader' ? (['read'] as const) : []);
    server = await serveManager(f.manager, rightsOf);
    const open: Manager = { ...f.manager, scope: () => 'all' };
    trusting = await serveManager(open, rightsOf); // it lets every request reach the manager
  });
  after(async () => {
    await server.close();
    await trusting.close();
    await f.close();
  });

  for (const { path, methods } of resources)
    for (const [name, method] of Object.entries(methods)) {
      /** The status that someone gets; null stands for someone anonymous. */
      const statusFor = async (user: string | null, { url }: RapiServer) => {
        const { example } = method;
        const items = [...(example?.items ?? [])];
        const filled = path.replace(
          /\{(name|id)\}/g,
          (_, kind) => items.shift() ?? (kind === 'id' ? '7' : 'web1.example.com'),
        );
        const args = new URLSearchParams(
          (example?.args ?? []).map(([key, value]): [string, string] => [key, value]),
        );
        const response = await new Promise<number>((resolve, reject) => {
          const body = example?.body === undefined ? undefined : JSON.stringify(example.body);
          const headers = {
            ...(user && { authorization: `Basic ${Buffer.from(`${user}:x`).toString('base64')}` }),
            ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          };
          http
            .request(`${url}${filled}?${args}`, { method: name, headers, agent: false }, (answer) => {
              resolve(answer.statusCode ?? 0);
              answer.destroy();
            })
            .on('error', reject)
            .end(body);
        });
        return response;
      };
      it(`${name} ${path}: ${method.access}`, async () => {
        const refused = [401, 403];
        if (method.access === 'look') {
          for (const user of [null, 'plain']) assert.ok(!refused.includes(await statusFor(user, server)));
          return;
        }
        assert.equal(await statusFor(null, server), 401);
        assert.equal(await statusFor('plain', server), 403);
        if (method.access === 'read') assert.ok(!refused.includes(await statusFor('reader', server)));
        else assert.equal(await statusFor('reader', server), 403);
        if (path === '/2/traffic') return; // what the server tells of itself is no matter of the manager
        for (const user of [null, 'plain', ...(method.access === 'write' ? ['reader'] : [])])
          assert.equal(
            await statusFor(user, trusting),
            user === null ? 401 : 403,
            'refused by the manager itself',
          );
      });
    }
});
