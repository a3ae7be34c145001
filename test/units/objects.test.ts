import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Job, OpInput } from '../../lib/model/job.ts';
import { MAX_TAGS_PER_OBJECT } from '../../lib/model/tag.ts';
import { put } from '../../lib/store/changes.ts';
import { aGroup, aNode, anInstance } from '../helpers/view.ts';
import { QueueFixture } from '../jobs/fixture.ts';

/** A fixture for a suite, and how to run opcodes on it that must fail or succeed. */
function suite() {
  let f: QueueFixture;
  before(async () => {
    f = await QueueFixture.make();
    f.holds = () => false;
  });
  after(async () => {
    assert.deepEqual(f.locks.inspect(), [], 'locks that are still held');
    await f.close();
  });
  const done = async (op: OpInput): Promise<Job> => {
    const job = await f.run(op);
    assert.equal(job.status, 'success', job.ops[0]?.failure?.message);
    return job;
  };
  const refused = async (op: OpInput, code: string, message: RegExp | string): Promise<void> => {
    const { view } = f.store;
    const { ops } = await f.run(op);
    const text = ops[0]?.failure?.message ?? '';
    assert.equal(ops[0]?.failure?.code, code, text);
    if (typeof message === 'string') assert.equal(text, message);
    else assert.match(text, message);
    assert.equal(f.store.view, view, 'what is refused changes nothing');
  };
  return { f: () => f, done, refused };
}

describe('node groups', () => {
  const { f, done, refused } = suite();
  const add = (group_name: string, over: Record<string, unknown> = {}): OpInput => ({
    OP_ID: 'OP_GROUP_ADD',
    group_name,
    ...over,
  });

  it('are added with what they set themselves, in the proper types', async () => {
    await done(
      add('rack2', {
        alloc_policy: 'last_resort',
        ndparams: { spindle_count: '3', ssh_port: 'default', oob_program: '/bin/oob' },
        diskparams: { drbd: { 'resync-rate': '1024' }, file: {} },
        ipolicy: { 'vcpu-ratio': 2, 'disk-templates': ['file'] },
      }),
    );
    const { uuid, ctime, mtime, serial_no, ...group } = f().store.view.groups.named('rack2') ?? aGroup();
    assert.deepEqual(group, {
      name: 'rack2',
      alloc_policy: 'last_resort',
      ndparams: { spindle_count: 3, oob_program: '/bin/oob' },
      diskparams: { drbd: { 'resync-rate': 1024 }, file: {} },
      ipolicy: { 'vcpu-ratio': 2, 'disk-templates': ['file'] },
      networks: {},
      tags: [],
    });
    assert.match(uuid, /^[0-9a-f-]{36}$/);
    assert.deepEqual([ctime, serial_no], [mtime, 1]);
    await done(add('rack3'));
    assert.equal(f().store.view.groups.named('rack3')?.alloc_policy, 'preferred');
  });

  it('are refused with wrong names and parameters', async () => {
    await refused(add('rack2'), 'already_exists', /There is a node group 'rack2' already/);
    await refused(add('a b'), 'wrong_input', /'a b' cannot be the name of a node group/);
    await refused(add('x', { ndparams: { colour: 1 } }), 'type_enforcement', /Unknown parameter 'colour'/);
    const ssh = { ssh_port: 'ssh' };
    await refused(add('x', { ndparams: ssh }), 'type_enforcement', /'ssh_port' must be an integer/);
    await refused(add('x', { diskparams: { file: { stripes: 2 } } }), 'type_enforcement', /'stripes'/);
    const policy = /^The instance policy is not right: /;
    await refused(add('x', { ipolicy: { 'vcpu-ratio': 'much' } }), 'wrong_input', policy);
    await refused(add('x', { ipolicy: { colour: 1 } }), 'wrong_input', policy);
    await refused(add('x', { ipolicy: { std: {} } }), 'wrong_input', policy);
    await refused(add('x', { ipolicy: { minmax: [{}] } }), 'wrong_input', policy);
    await refused(
      add('x', { hv_state: { fake: {} } }),
      'wrong_input',
      /hv_state and disk_state are not supported/,
    );
  });

  it('are refused with a policy whose minimum is above its maximum', async () => {
    const bounds = (size: number) => ({
      ...{ 'memory-size': size, 'disk-size': 1, 'disk-count': 1 },
      ...{ 'cpu-count': 1, 'nic-count': 1, 'spindle-use': 1 },
    });
    const ipolicy = { minmax: [{ min: bounds(8), max: bounds(4) }] };
    await refused(
      add('x', { ipolicy }),
      'wrong_input',
      'The instance policy is not right: minmax[0].min.memory-size must be at most the maximum, 4, not 8',
    );
    ipolicy.minmax = [{ min: bounds(1), max: bounds(1) }];
    await done(add('even', { ipolicy }));
  });

  it('are removed by name or uuid when they are empty and not the last one', async () => {
    const remove = (group_name: string): OpInput => ({ OP_ID: 'OP_GROUP_REMOVE', group_name });
    await refused(remove('nosuch'), 'not_found', "There is no node group 'nosuch' in this cluster");
    await refused(
      remove('default'),
      'wrong_state',
      'Node group default is not empty: node1.example.com, node2.example.com',
    );
    await done(remove('rack2'));
    await done(remove(f().store.view.groups.named('rack3')?.uuid ?? ''));
    await done(remove('even'));
    const left = f().store.view.groups.list();
    assert.deepEqual(
      left.map(({ name }) => name),
      ['default'],
    );
    const nodes = f().store.view.nodes.list();
    const away = nodes.map(({ uuid }) => ({ change: 'remove' as const, kind: 'node' as const, uuid }));
    await f().store.commit({ job: null }, () => away);
    await refused(
      remove('default'),
      'wrong_state',
      'Node group default is the only one and cannot be removed',
    );
    await f().store.commit({ job: null }, () => nodes.map((node) => put('node', node)));
  });

  it('are not removed by uuid while a job puts a node into them', async () => {
    await done(add('rack4'));
    const { uuid } = f().store.view.groups.named('rack4') ?? aGroup();
    f().holds = ({ name }) => name === 'node.hello';
    f().answer = ({ node }) => ({ name: `${node}.example.com` });
    const node = { node_name: 'node9.example.com', primary_ip: '198.51.100.9', group: 'rack4' };
    const adding = await f().submit({ OP_ID: 'OP_NODE_ADD', ...node });
    const hello = await f().heldBy(0);
    const removal = await f().submit({ OP_ID: 'OP_GROUP_REMOVE', group_name: uuid });
    assert.equal((await f().queue.get(removal))?.status, 'waiting');
    hello.end();
    assert.equal((await f().ended(adding)).status, 'success');
    assert.equal((await f().ended(removal)).ops[0]?.failure?.code, 'wrong_state');
    f().holds = () => false;
  });
});

describe('adding a node', () => {
  const { f, done, refused } = suite();
  const add = (node_name: string, over: Record<string, unknown> = {}): OpInput => ({
    OP_ID: 'OP_NODE_ADD',
    node_name,
    primary_ip: '198.51.100.9',
    ...over,
  });
  /** From now on the worker that answers is that of this node. */
  const isNamed = (name: string) => {
    f().answer = () => ({ name });
  };

  it('takes its settings, or the defaults', async () => {
    isNamed('node3.example.com');
    await done(add('Node3.Example.COM'));
    const { ctime, mtime, uuid, ...node } = f().store.view.nodes.named('node3.example.com') ?? aNode('x');
    const defaults = aNode('node3', { primary_ip: '198.51.100.9', secondary_ip: '198.51.100.9' });
    const { ctime: _c, mtime: _m, uuid: _u, ...wanted } = defaults;
    assert.deepEqual(node, wanted);
    assert.equal(ctime, mtime);
    assert.ok(uuid);
    isNamed('node4');
    const own = { vm_capable: false, master_capable: false, group: 'default' };
    await done(
      add('node4', { ...own, primary_ip: '2001:db8::4', ndparams: { spindle_count: '4', ovs: 'default' } }),
    );
    const fourth = f().store.view.nodes.named('node4');
    assert.deepEqual(
      [fourth?.secondary_ip, fourth?.vm_capable, fourth?.master_capable, fourth?.master_candidate],
      ['2001:db8::4', false, false, false],
    );
    assert.deepEqual(fourth?.ndparams, { spindle_count: 4 });
  });

  it('is refused for one that is there, and to take one in again for one that is not', async () => {
    const there = 'Node node3.example.com is already in the cluster';
    await refused(add('node3.example.com'), 'already_exists', there);
    await refused(add('node5', { readd: true }), 'not_found', 'Node node5 is not in the cluster yet');
  });

  it('takes a known node in again: online, with what was not said as before', async () => {
    const known = f().store.view.nodes.named('node3.example.com') ?? aNode('x');
    await f().store.commit({ job: null }, () => [
      put('node', { ...known, offline: true, drained: true, tags: ['a'], ndparams: { spindle_count: 7 } }),
    ]);
    isNamed('node3.example.com');
    await done(add('node3.example.com', { readd: true, primary_ip: '198.51.100.33' }));
    const node = f().store.view.nodes.named('node3.example.com');
    assert.deepEqual(
      [node?.uuid, node?.offline, node?.drained, node?.tags, node?.ndparams, node?.serial_no],
      [known.uuid, false, false, ['a'], { spindle_count: 7 }, 2],
    );
    assert.deepEqual([node?.primary_ip, node?.secondary_ip], ['198.51.100.33', '198.51.100.33']);
  });

  it('is refused with wrong values', async () => {
    await refused(add('a b'), 'wrong_input', /'a b' is not a host name/);
    await refused(add('node5', { primary_ip: 'here' }), 'wrong_input', "'here' is not an IP address");
    await refused(add('node5', { secondary_ip: '1.2.3' }), 'wrong_input', "'1.2.3' is not an IP address");
    await refused(
      add('node5', { primary_ip: '2001:db8::4' }),
      'resource_not_unique',
      'Node node4 has the address 2001:db8::4 of node5',
    );
    await refused(
      add('node5', { secondary_ip: '203.0.113.5' }),
      'wrong_input',
      /has no secondary address and .* has one/,
    );
    await refused(
      add('node3.example.com', { readd: true, group: 'default' }),
      'wrong_input',
      /stays in its node group/,
    );
    await refused(add('node5', { group: 'nosuch' }), 'not_found', /no node group 'nosuch'/);
    await refused(add('node5', { ndparams: { colour: 1 } }), 'type_enforcement', /'colour'/);
    await refused(add('node5', { disk_state: { file: {} } }), 'wrong_input', /not supported/);
    const unnamed = add('nosuch.invalid', { primary_ip: null });
    await refused(unnamed, 'resolver_error', /has no address; give primary_ip/);
  });

  it('is refused when another worker answers, or none', async () => {
    isNamed('other.example.com');
    await refused(
      add('node5'),
      'environment_error',
      'The worker at 198.51.100.9 belongs to other.example.com, not to node5',
    );
    f().holds = () => true;
    const id = await f().submit(add('node5'));
    (await f().heldBy(0)).end(new Error('nobody there'));
    assert.equal((await f().ended(id)).status, 'error');
    f().holds = () => false;
  });

  it('needs a group when there are several', async () => {
    await done({ OP_ID: 'OP_GROUP_ADD', group_name: 'rack2' });
    await refused(add('node5'), 'wrong_input', 'Give one of the node groups default, rack2');
  });

  it('under one name at once adds one, however the name is written', async () => {
    isNamed('node6');
    const ids = [
      await f().submit(add('node6', { group: 'default' })),
      await f().submit(add('NODE6.', { group: 'rack2' })),
    ];
    const statuses = await Promise.all(ids.map(async (id) => (await f().ended(id)).status));
    assert.deepEqual(statuses, ['success', 'error']);
  });
});

describe('tags', () => {
  const { f, done, refused } = suite();
  const set = (kind: string, name: string | null, ...tags: string[]): OpInput => {
    return { OP_ID: 'OP_TAGS_SET', kind, name, tags };
  };
  const del = (kind: string, name: string | null, ...tags: string[]): OpInput => {
    return { OP_ID: 'OP_TAGS_DEL', kind, name, tags };
  };

  it('are set on every kind of object, each once and sorted, and taken away', async () => {
    await f().store.commit({ job: null }, () => [put('instance', anInstance('web'))]);
    const objects: [string, string | null][] = [
      ['cluster', null],
      ['node', 'NODE1'],
      ['nodegroup', 'default'],
      ['instance', 'web'],
    ];
    for (const [kind, name] of objects) {
      await done(set(kind, name, 'b', 'a', 'b'));
      await done(set(kind, name, 'a', 'c:d'));
      await done(del(kind, name, 'b'));
    }
    const { view } = f().store;
    const named = [
      view.nodes.get('node1-uuid'),
      view.groups.named('default'),
      view.instances.get('web-uuid'),
    ];
    for (const object of [view.cluster, ...named])
      assert.deepEqual([object?.tags, object?.serial_no], [['a', 'c:d'], 4]);
  });

  it('are refused when they are none, or the object is', async () => {
    await refused(set('cluster', null, 'good', 'not good'), 'invalid_tag', /Tag "not good" has a character/);
    await refused(set('cluster', null, ''), 'invalid_tag', 'A tag may not be empty');
    await refused(set('cluster', null, 'x'.repeat(129)), 'invalid_tag', /129 characters; at most 128/);
    await done(set('cluster', null, 'x'.repeat(128)));
    await done(del('cluster', null, 'x'.repeat(128)));
    await refused(set('node', null, 'a'), 'wrong_input', 'The name of the node is missing');
    for (const kind of ['node', 'instance', 'nodegroup', 'network'])
      await refused(set(kind, 'nosuch', 'a'), 'not_found', /'nosuch' in this cluster/);
    const missing = "The cluster has no tag 'no', 'nor'";
    await refused(del('cluster', null, 'a', 'no', 'nor'), 'not_found', missing);
  });

  it('are limited in number', async () => {
    const many = Array.from({ length: MAX_TAGS_PER_OBJECT - 2 }, (_, index) => `t${index}`);
    await done(set('cluster', null, ...many));
    const tooMany = 'An object has at most 4096 tags, not 4097';
    await refused(set('cluster', null, 'one-more'), 'invalid_tag', tooMany);
    await refused(set('node', 'node1', ...many, 'x', 'y', 'z'), 'invalid_tag', tooMany);
    await done(set('cluster', null, 'a', ...many));
  });

  it('set by several jobs at once are all there', async () => {
    const ids = await Promise.all(['p', 'q', 'r'].map((tag) => f().submit(set('node', 'node2', tag))));
    for (const id of ids) await f().ended(id);
    assert.deepEqual(f().store.view.nodes.get('node2-uuid')?.tags, ['p', 'q', 'r']);
  });
});

describe('test delay', () => {
  const { f, done, refused } = suite();
  const delay = (over: Record<string, unknown>): OpInput => ({
    OP_ID: 'OP_TEST_DELAY',
    duration: 0,
    on_master: false,
    ...over,
  });

  it('asks each node once in each round, however it is named', async () => {
    const nodes = { on_nodes: ['node1', 'NODE1.example.com', 'node2'], on_node_uuids: ['node2-uuid'] };
    const job = await done(delay({ ...nodes, repeat: 1 }));
    assert.deepEqual(
      f().calls.map(({ node, name }) => `${name} ${node}`),
      ['node.delay node1', 'node.delay node2', 'node.delay node1', 'node.delay node2'],
    );
    assert.deepEqual(job.ops[0]?.resolved.on_node_uuids, ['node1-uuid', 'node2-uuid']);
    assert.equal(job.ops[0]?.result, null);
  });

  it('locks the nodes if it is to, however they are named', async () => {
    f().holds = () => true;
    const first = await f().submit(delay({ on_nodes: ['NODE1'], no_locks: false }));
    const held = await f().heldBy(first);
    const second = await f().submit(delay({ on_node_uuids: ['node1-uuid'], no_locks: false }));
    const third = await f().submit(delay({ on_nodes: ['node1.example.com'] }));
    (await f().heldBy(third)).end();
    assert.equal((await f().ended(third)).status, 'success', 'this one needs no lock');
    assert.equal((await f().queue.get(second))?.status, 'waiting');
    held.end();
    (await f().heldBy(second)).end();
    for (const id of [first, second]) assert.equal((await f().ended(id)).status, 'success');
    f().holds = () => false;
  });

  it('is refused for a negative time and for nodes that are not there', async () => {
    const negative = 'duration must be at least 0 seconds, not -0.5';
    await refused(delay({ duration: -0.5 }), 'wrong_input', negative);
    await refused(delay({ on_nodes: ['nosuch'] }), 'not_found', /'nosuch'/);
    await refused(delay({ on_node_uuids: ['nosuch'], no_locks: false }), 'not_found', /'nosuch'/);
  });
});

describe('os diagnose', () => {
  const { f, done, refused } = suite();
  const diagnose = (output_fields: string[], names: string[] = []): OpInput => ({
    OP_ID: 'OP_OS_DIAGNOSE',
    output_fields,
    names,
  });
  const os = (name: string, patch: Record<string, unknown> = {}) => ({
    ...{ name, path: `/os/${name}`, valid: true, message: '', variants: [], parameters: [] },
    ...{ api_versions: [20], trusted: true },
    ...patch,
  });
  before(() => {
    const parameters = [['p', 'what']];
    const here = os('debian', { variants: ['a', 'b'], parameters, api_versions: [20, 15] });
    const there = os('debian', { variants: ['b', 'c'], parameters });
    const shadowed = os('debian', { path: '/os2/debian', valid: false, message: 'broken' });
    f().answer = ({ node }) => ({
      definitions: node === 'node1' ? [here, shadowed, os('lonely')] : [there],
    });
  });

  it('tells what all nodes have in common, and what each one has', async () => {
    const fields = ['name', 'valid', 'variants', 'parameters', 'api_versions', 'trusted'];
    const job = await done(diagnose([...fields, 'hidden', 'blacklisted']));
    assert.deepEqual(job.ops[0]?.result, [
      ['debian', true, ['b'], [['p', 'what']], [20], true, false, false],
      ['lonely', false, [], [], [20], true, false, false],
    ]);
    const status = await done(diagnose(['node_status', 'os_hvp', 'osparams'], ['debian']));
    const perNode = {
      'node1.example.com': [
        ['/os/debian', true, '', ['a', 'b'], [['p', 'what']], [20, 15], true],
        ['/os2/debian', false, 'broken', [], [], [20], true],
      ],
      'node2.example.com': [['/os/debian', true, '', ['b', 'c'], [['p', 'what']], [20], true]],
    };
    assert.deepEqual(status.ops[0]?.result, [[perNode, {}, {}]]);
    assert.deepEqual((await done(diagnose(['name'], ['nosuch']))).ops[0]?.result, []);
  });

  it('does not count nodes that are offline or hold no instances', async () => {
    const node = f().store.view.nodes.get('node2-uuid') ?? aNode('x');
    for (const patch of [{ offline: true }, { vm_capable: false }]) {
      await f().store.commit({ job: null }, () => [put('node', { ...node, ...patch })]);
      const { ops } = await done(diagnose(['name', 'valid'], ['lonely']));
      assert.deepEqual(ops[0]?.result, [['lonely', true]]);
    }
  });

  it('is refused for fields that it does not have', async () => {
    const unknown = /^Unknown field colour; known are name, valid/;
    await refused(diagnose(['name', 'colour']), 'wrong_input', unknown);
  });
});
