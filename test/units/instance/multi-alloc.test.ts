import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { create, InstanceFixture } from './fixture.ts';

describe('placing several instances together', () => {
  let f: InstanceFixture;
  before(async () => {
    f = await InstanceFixture.make();
  });
  after(() => f.close());

  const request = (instance_name: string, over: Record<string, unknown> = {}) => {
    const { OP_ID: _id, pnode: _node, ...rest } = create({ instance_name, ...over });
    return rest;
  };
  const allocate = (...instances: unknown[]) => ({ OP_ID: 'OP_INSTANCE_MULTI_ALLOC', instances });

  it('submits a job for each that has a place, each counting with those before it', async () => {
    const { view } = f.cluster.store;
    const free = view.nodes.list().map((node) => f.cluster.runtime.of(node.uuid)?.node.memory_free ?? 0);
    const big = { beparams: { memory: Math.floor(Math.min(...free) * 0.7) } };
    const names = ['a.example.com', 'b.example.com', 'c.example.com'];
    const { ops } = await f.cluster.done(allocate(...names.map((name) => request(name, big))));
    const result = ops[0]?.result as { jobs: [boolean, number][]; allocatable: string[]; failed: string[] };
    assert.deepEqual(result.allocatable, names.slice(0, 2));
    assert.deepEqual(result.failed, ['c.example.com']);
    for (const [, id] of result.jobs) assert.equal((await f.cluster.ended(id)).status, 'success');
    const made = names.slice(0, 2).map((name) => f.cluster.store.view.instances.named(name)?.primary_node);
    assert.equal(new Set(made).size, 2, 'each node took one');
    assert.match(
      ops[0]?.log.map(({ text }) => text).join() ?? '',
      /c\.example\.com cannot be placed: .* MiB of memory short/,
    );
    for (const name of names.slice(0, 2)) await f.remove(name);
  });

  it('gives its jobs its reasons and its priority, and a comment where they have none of their own', async () => {
    const { ops } = await f.cluster.done({
      ...allocate(request('a.example.com'), request('b.example.com', { comment: 'mine', priority: -10 })),
      ...{ reason: [['gnt:user', 'growth', 1]], priority: 10 },
    });
    const result = ops[0]?.result as { jobs: [boolean, number][] };
    const jobs = await Promise.all(result.jobs.map(([, id]) => f.cluster.ended(id)));
    const seen = jobs.map((job) => {
      const { comment, priority, reason } = (job.ops[0]?.input ?? {}) as Record<string, unknown>;
      return { comment, priority, sources: (reason as string[][]).map(([source]) => source) };
    });
    const sources = ['gnt:user', 'gnt:opcode:instance_multi_alloc', 'gnt:opcode:instance_create'];
    assert.deepEqual(seen, [
      { comment: 'Submitted by OP_INSTANCE_MULTI_ALLOC', priority: 10, sources },
      { comment: 'mine', priority: -10, sources },
    ]);
    for (const name of ['a.example.com', 'b.example.com']) await f.remove(name);
  });

  it('makes instances on the nodes that they name, without an allocator', async () => {
    const node2 = f.cluster.store.view.nodes.named('node2.example.com')?.uuid;
    const names = ['a.example.com', 'b.example.com'];
    const [op] = (
      await f.cluster.done(allocate(...names.map((name) => ({ ...request(name), pnode: 'node2' }))))
    ).ops;
    const result = op?.result as { jobs: [boolean, number][]; allocatable: string[]; failed: string[] };
    assert.deepEqual([result.allocatable, result.failed], [names, []]);
    for (const [, id] of result.jobs) assert.equal((await f.cluster.ended(id)).status, 'success');
    const [first] = (op?.resolved.instances ?? []) as Record<string, unknown>[];
    assert.deepEqual([first?.pnode_uuid, first?.priority], [node2, 0]);
    for (const name of names) {
      assert.equal(f.cluster.store.view.instances.named(name)?.primary_node, node2);
      await f.remove(name);
    }
    await f.refuses(
      { ...allocate({ ...request('a.example.com'), pnode: 'node1' }), iallocator: 'hail' },
      'wrong_input',
      /either iallocator or a node/,
    );
    await f.refuses(
      allocate({ ...request('a.example.com'), pnode: 'nosuch' }),
      'not_found',
      /no node 'nosuch'/,
    );
  });

  it('refuses what is not right', async () => {
    const cases: [unknown[], RegExp][] = [
      [[], /instances is empty/],
      [['web'], /must be described by a dictionary/],
      [[{ mode: 'create' }], /Instance 0: .*missing parameter 'instance_name'/],
      [[request('a.example.com'), request('A.example.com')], /named twice/],
      [
        [{ ...request('a.example.com'), pnode: 'node1' }, request('b.example.com')],
        /^a\.example\.com names its node and b\.example\.com does not/,
      ],
    ];
    for (const [instances, message] of cases) await f.refuses(allocate(...instances), 'wrong_input', message);
    await assert.rejects(
      f.cluster.run(allocate(request('a.example.com', { osparams_secret: { key: 'hidden' } }))),
      (error: Error) => !error.message.includes('hidden') && /'instances'/.test(error.message),
    );
  });
});
