import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allocate } from '../../lib/allocator/allocate.ts';
import type { AllocateRequest, AllocatorCluster } from '../../lib/allocator/model.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';
import { cluster, group, instance, node, request } from './fixtures.ts';

function chosen(state: AllocatorCluster, wanted: AllocateRequest = request()): readonly string[] | null {
  const result = allocate(state, wanted);
  return result.ok ? result.nodes : null;
}

function reasons(state: AllocatorCluster, wanted: AllocateRequest = request()): readonly string[] {
  const result = allocate(state, wanted);
  assert.ok(!result.ok, 'a place was found');
  return result.reasons;
}

/** Limits of the only group. */
function limits(values: Partial<typeof ipolicyDefaults>) {
  return { groups: [group('g1', { ipolicy: { ...ipolicyDefaults, ...values } })] };
}

describe('allocate: room', () => {
  it('takes the only node of a cluster', () => {
    const result = allocate(cluster([node('node1')]), request());
    assert.deepEqual(result, { ok: true, nodes: ['node1'], score: { before: 0, after: 0 }, considered: 1 });
  });

  it('gives away memory to the last MiB and tells what is short', () => {
    assert.deepEqual(chosen(cluster([node('node1', { memory_free: 1024 })])), ['node1']);
    const tight = [node('node3', { memory_free: 512 }), node('node10', { memory_free: 1023 })];
    assert.deepEqual(reasons(cluster(tight)), [
      'node3: 512 MiB of memory short (needs 1024, 512 free)',
      'node10: 1 MiB of memory short (needs 1024, 1023 free)',
    ]);
  });

  it('keeps the memory of instances that are down, not of those taken out of service', () => {
    const stopped = instance('node1', { memory: 9500, running: false });
    assert.deepEqual(reasons(cluster([node('node1')], [stopped])), [
      'node1: 524 MiB of memory short (needs 1024, 500 free)',
    ]);
    assert.deepEqual(chosen(cluster([node('node1')], [{ ...stopped, offline: true }])), ['node1']);
  });

  it('counts what a running instance may use, even when the node still has it free', () => {
    const lazy = instance('node1', { memory: 9500 });
    assert.deepEqual(reasons(cluster([node('node1')], [lazy])), [
      'node1: 524 MiB of memory short (needs 1024, 500 free)',
    ]);
    const greedy = instance('node1', { memory: 10500 });
    assert.deepEqual(reasons(cluster([node('node1')], [greedy])), [
      'node1: 1524 MiB of memory short (needs 1024, 500 over-committed)',
    ]);
  });

  it('counts disk space for disks on the node, and spindles only for those in the volume group', () => {
    const full = cluster([node('node1', { disk_free: 1000 })]);
    for (const disk_template of ['plain', 'file'] as const)
      assert.deepEqual(reasons(full, request({ disk_template })), [
        'node1: 24 MiB of disk space short (needs 1024, 1000 free)',
      ]);
    for (const disk_template of ['sharedfile', 'rbd', 'diskless'] as const)
      assert.deepEqual(chosen(full, request({ disk_template })), ['node1']);
    const loaded = cluster([node('node1')], [instance('node1', { disk_template: 'plain', spindle_use: 30 })]);
    assert.deepEqual(reasons(loaded, request({ disk_template: 'plain', spindle_use: 3 })), [
      'node1: 1 spindle use short (needs 3, 2 free)',
    ]);
    assert.deepEqual(chosen(loaded, request({ spindle_use: 3 })), ['node1']);
    for (const disk_template of ['plain', 'file'] as const)
      assert.deepEqual(reasons(cluster([node('node1', { disk_free: null })]), request({ disk_template })), [
        'node1: its free disk space is not known',
      ]);
  });

  it('needs to know the spindles where storage is exclusive', () => {
    const state = cluster([node('node1', { exclusive_storage: true, spindles_total: 4, spindles_free: 1 })]);
    const wanted = request({ disk_template: 'plain' });
    assert.match(reasons(state, wanted)[0] ?? '', /spindles of each disk must be given/);
    assert.deepEqual(reasons(state, { ...wanted, spindles: 2 }), [
      'node1: 1 spindles short (needs 2, 1 free)',
    ]);
    assert.deepEqual(chosen(state, { ...wanted, spindles: 1 }), ['node1']);
  });

  it('keeps to the ratio of virtual CPUs, those of the host included', () => {
    const state = cluster(
      [node('node1', { cpu_total: 2, cpu_dom0: 1 })],
      [instance('node1', { vcpus: 3, running: false })],
      limits({ 'vcpu-ratio': 4 }),
    );
    assert.deepEqual(chosen(state, request({ vcpus: 4 })), ['node1']);
    assert.deepEqual(reasons(state, request({ vcpus: 5 })), [
      'node1: 1 virtual CPUs short (needs 5, 4 free)',
    ]);
  });
});

describe('allocate: rules', () => {
  it('refuses nodes that are offline, drained, not capable, silent or excluded, each with its reason', () => {
    const state = cluster([
      node('node1', { offline: true }),
      node('node2', { drained: true }),
      node('node3', { vm_capable: false }),
      node('node4', { memory_free: null }),
      node('node5', { cpu_total: null }),
      node('node6'),
    ]);
    assert.deepEqual(reasons(state, request({ exclude: ['node6'] })), [
      'node1: it is offline',
      'node2: it is drained',
      'node3: it is not capable of running instances',
      'node4: its free memory is not known',
      'node5: its number of CPUs is not known',
      'node6: the request excludes it',
    ]);
    assert.deepEqual(chosen(state), ['node6']);
  });

  it('keeps to the instance policy of each group', () => {
    const state = cluster([node('node1')], [], limits({ 'disk-templates': ['plain'] }));
    assert.deepEqual(reasons(state, request({ memory: 100 })), [
      'group g1: disk template file is not among plain, memory-size is 100, at least 128 is needed',
    ]);
    assert.deepEqual(chosen(state, request({ memory: 100, ignore_ipolicy: true })), ['node1']);
    assert.deepEqual(
      chosen(cluster([node('node1')]), request({ disk_template: 'diskless', disks: [] })),
      ['node1'],
      'a diskless instance needs no disk',
    );
  });

  it('places only where the networks are', () => {
    const groups = [group('g1', { networks: ['lan'] }), group('g2', { networks: ['lan', 'dmz'] })];
    const state = cluster([node('node1'), node('node2', { group: 'g2' })], [], { groups });
    assert.deepEqual(chosen(state, request({ networks: ['lan', 'dmz'], ignore_ipolicy: true })), ['node2']);
    assert.deepEqual(reasons(state, request({ networks: ['dmz', 'wan'] })), [
      'group g1: it is not connected to network dmz, it is not connected to network wan',
      'group g2: it is not connected to network wan',
    ]);
  });

  it('prefers groups by their policy, whatever the score', () => {
    const groups = [
      group('a', { alloc_policy: 'unallocable' }),
      group('b', { alloc_policy: 'last_resort' }),
      group('c'),
    ];
    const nodes = [
      node('na', { group: 'a' }),
      node('nb', { group: 'b' }),
      node('nc', { group: 'c', memory_free: 2000 }),
    ];
    assert.deepEqual(chosen(cluster(nodes, [], { groups })), ['nc']);
    assert.deepEqual(chosen(cluster(nodes, [], { groups }), request({ memory: 3000 })), ['nb']);
    assert.deepEqual(chosen(cluster(nodes, [], { groups }), request({ groups: ['b'] })), ['nb']);
    assert.deepEqual(reasons(cluster(nodes, [], { groups }), request({ memory: 20000 })), [
      'group a: it takes no new instances',
      'nb: 10000 MiB of memory short (needs 20000, 10000 free)',
      'nc: 18000 MiB of memory short (needs 20000, 2000 free)',
    ]);
    assert.deepEqual(reasons(cluster(nodes, [], { groups }), request({ groups: ['a'] })), [
      'group a: it takes no new instances',
    ]);
    assert.deepEqual(reasons(cluster(nodes, [], { groups }), request({ groups: ['z'] })), [
      'there is no node to choose from',
    ]);
  });

  it('never puts two instances with the same exclusion tag on one primary node', () => {
    const tags = ['htools:iextags:service'];
    const nodes = [node('node1'), node('node2')];
    const dns = [
      instance('node1', { tags: ['service:dns'], running: false }),
      instance('node2'),
      instance('node2'),
    ];
    assert.deepEqual(chosen(cluster(nodes, dns, { tags }), request({ tags: ['service:dns'] })), ['node2']);
    assert.deepEqual(chosen(cluster(nodes, dns, { tags }), request({ tags: ['service:web'] })), ['node1']);
    assert.deepEqual(chosen(cluster(nodes, dns), request({ tags: ['service:dns'] })), ['node1']);
    assert.deepEqual(reasons(cluster(nodes.slice(0, 1), dns, { tags }), request({ tags: ['service:dns'] })), [
      'node1: it has an instance with the exclusion tag service:dns',
    ]);
  });

  it('goes elsewhere than where the same service may fail together, and where it is wished for', () => {
    const tags = ['htools:iextags:service', 'htools:nlocation:power', 'htools:desiredlocation:power'];
    const nodes = [
      node('node1', { tags: ['power:1'] }),
      node('node2', { tags: ['power:1'] }),
      node('node3', { tags: ['power:2'], memory_free: 2000 }),
    ];
    const dns = [instance('node1', { tags: ['service:dns'] })];
    assert.deepEqual(chosen(cluster(nodes, dns, { tags }), request({ tags: ['service:dns'] })), ['node3']);
    assert.deepEqual(chosen(cluster(nodes, dns, { tags }), request()), ['node2']);
    assert.deepEqual(chosen(cluster(nodes, dns, { tags }), request({ tags: ['power:2'] })), ['node3']);
  });
});

describe('allocate: balance', () => {
  it('takes the emptiest of like nodes, and of equal ones the first by name', () => {
    const nodes = [node('node10'), node('node9'), node('node1', { offline: true })];
    assert.deepEqual(chosen(cluster(nodes)), ['node9']);
    assert.deepEqual(chosen(cluster(nodes, [instance('node9')])), ['node10']);
  });

  it('scores as hail does', () => {
    // Figures of hail 3.0.2 for the same cluster and request.
    const nodes = [node('a1'), node('a2'), node('a3', { memory_free: 3000 })];
    const pair = allocate(cluster(nodes), request({ disk_template: 'drbd', required_nodes: 2 }));
    assert.ok(pair.ok);
    assert.equal(pair.score.after.toFixed(6), '2.338302');
    const speed = allocate(cluster([node('n1'), node('n2')]), request());
    assert.ok(speed.ok);
    assert.equal(speed.score.after.toFixed(6), '2.112500');
  });

  it('leaves a silent node out of the balance instead of spoiling it', () => {
    const result = allocate(cluster([node('node1', { memory_free: null }), node('node2')]), request());
    assert.ok(result.ok);
    assert.deepEqual(result.score, { before: 0, after: 0 });
  });
});

describe('allocate: pairs of nodes', () => {
  const mirrored = request({ disk_template: 'drbd', required_nodes: 2 });

  it('keeps room for a failover on the secondary node', () => {
    const tight = cluster([node('node1'), node('node2', { memory_free: 1000 })]);
    assert.deepEqual(reasons(tight, mirrored), [
      'node2: 24 MiB of memory short (needs 1024, 1000 free)',
      'node2 as secondary: 24 MiB of memory short (needs 0 beside 1024 kept for failover, 1000 free)',
      'group g1: no two of its nodes have room together',
    ]);
    const kept = cluster(
      [node('node1'), node('node2', { memory_free: 6000 }), node('node3', { memory_free: 100 })],
      [instance('node1', { secondary: 'node2', memory: 5500, disk_template: 'drbd' })],
    );
    assert.deepEqual(chosen(kept, request()), ['node1']);
    const free = { ...kept, instances: kept.instances.map((one) => ({ ...one, auto_balance: false })) };
    assert.deepEqual(chosen(free, request()), ['node2']);
  });

  it('adds up the failovers of one primary node only', () => {
    const state = cluster(
      [node('node1'), node('node2'), node('node3', { memory_free: 1100 })],
      [instance('node1', { secondary: 'node3', memory: 600, disk_template: 'drbd' })],
    );
    const wanted = { ...mirrored, memory: 600, exclude: ['node2'] };
    assert.match(reasons(state, wanted).at(-1) ?? '', /no two of its nodes/, '1200 MiB do not fit');
    assert.deepEqual(chosen({ ...state, instances: [] }, wanted), ['node1', 'node3']);
  });

  it('stays within one group and counts the metadata of the disks', () => {
    const groups = [group('g1'), group('g2')];
    const nodes = [node('node1'), node('node2', { group: 'g2' })];
    assert.deepEqual(reasons(cluster(nodes, [], { groups }), mirrored), [
      'group g1: no two of its nodes have room together',
      'group g2: no two of its nodes have room together',
    ]);
    const state = cluster([node('node1'), node('node2', { disk_free: 1151 })]);
    assert.match(reasons(state, mirrored)[0] ?? '', /1 MiB of disk space short \(needs 1152, 1151 free\)/);
  });

  it('prefers nodes that do not fail together', () => {
    const nodes = [
      node('node1', { tags: ['rack:1'] }),
      node('node2', { tags: ['rack:1'] }),
      node('node3', { tags: ['rack:2'], memory_free: 3000 }),
    ];
    const result = chosen(cluster(nodes, [], { tags: ['htools:nlocation:rack'] }), mirrored);
    assert.ok(result?.includes('node3'));
  });
});
