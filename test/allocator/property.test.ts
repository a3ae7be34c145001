import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocate } from '../../lib/allocator/allocate.ts';
import type { AllocateRequest, AllocatorCluster, AllocatorNode } from '../../lib/allocator/model.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';
import { group, instance, node, request } from './fixtures.ts';

const MEMORY_STEPS = [0, 512, 1024, 2048, 4096];
const names = ['node1', 'node2', 'node3', 'node4', 'node5'];
const tags = fc.subarray(['service:dns', 'service:web', 'power:1', 'power:2']);
const mostly = fc.integer({ min: 0, max: 15 }).map((dice) => dice > 0);

const groups = fc
  .tuple(
    fc.constantFrom(
      'preferred' as const,
      'preferred' as const,
      'last_resort' as const,
      'unallocable' as const,
    ),
    fc.constantFrom(1, 2),
    fc.constantFrom(512, 32768, 32768),
  )
  .map(([alloc_policy, ratio, memory]) => {
    const [range] = ipolicyDefaults.minmax;
    const minmax = range ? [{ min: range.min, max: { ...range.max, 'memory-size': memory } }] : [];
    return { alloc_policy, ipolicy: { ...ipolicyDefaults, 'vcpu-ratio': ratio, minmax } };
  });

const nodes = fc.record({
  group: fc.constantFrom('g1', 'g2'),
  offline: mostly.map((yes) => !yes),
  drained: mostly.map((yes) => !yes),
  vm_capable: mostly,
  memory_free: fc.option(fc.constantFrom(...MEMORY_STEPS), { freq: 8 }),
  memory_total: fc.constantFrom(2048, 4096, 8192),
  disk_free: fc.option(fc.constantFrom(1024, 4096, 20000), { freq: 8 }),
  cpu_total: fc.constantFrom(2, 4, 8),
  tags,
});

const instances = fc.array(
  fc.record({
    primary: fc.constantFrom(...names),
    memory: fc.constantFrom(128, 512),
    vcpus: fc.constantFrom(1, 2),
    running: fc.boolean(),
    offline: mostly.map((yes) => !yes),
    disk_template: fc.constantFrom('file' as const, 'plain' as const),
    tags,
  }),
  { maxLength: 6 },
);

const clusters: fc.Arbitrary<AllocatorCluster> = fc
  .record({
    tags: fc.subarray(['htools:iextags:service', 'htools:nlocation:power']),
    groups: fc.tuple(groups, groups),
    nodes: fc.array(nodes, { maxLength: names.length, size: 'medium' }),
    instances,
  })
  .map((values) => ({
    tags: values.tags,
    groups: values.groups.map((value, index) => group(`g${index + 1}`, value)),
    nodes: values.nodes.map((value, index) => node(names[index] as string, value)),
    instances: values.instances.map((value) => instance(value.primary, value)),
  }));

const requests: fc.Arbitrary<AllocateRequest> = fc
  .record({
    memory: fc.constantFrom(128, 512, 1024),
    vcpus: fc.constantFrom(1, 2, 3),
    disks: fc.array(fc.constantFrom(1024, 4096), { minLength: 1, maxLength: 2 }),
    disk_template: fc.constantFrom('file' as const, 'plain' as const),
    tags,
  })
  .map(request);

/** Whether a node may take the instance, in the plainest words, apart from the code under test. */
function fits(cluster: AllocatorCluster, host: AllocatorNode, wanted: AllocateRequest): boolean {
  const rules = cluster.groups.find((one) => one.uuid === host.group);
  if (!rules || rules.alloc_policy === 'unallocable' || host.memory_free === null) return false;
  if (host.offline || host.drained || !host.vm_capable) return false;
  const here = cluster.instances.filter((one) => one.primary === host.uuid);
  const serving = here.filter((one) => !one.offline);
  const memory = serving.reduce((sum, one) => sum + one.memory, 0);
  const stopped = serving.filter((one) => !one.running).reduce((sum, one) => sum + one.memory, 0);
  const room = Math.min(
    (host.memory_total ?? 0) - (host.memory_dom0 ?? 0) - memory,
    host.memory_free - stopped,
  );
  const vcpus = serving.reduce((sum, one) => sum + one.vcpus, 0);
  const disk = wanted.disks.reduce((sum, size) => sum + size, 0);
  const ranges = rules.ipolicy.minmax;
  const service = wanted.tags.filter((tag) => tag.startsWith('service:'));
  const crowded = service.some((tag) => here.some((one) => one.tags.includes(tag)));
  return (
    wanted.memory <= room &&
    vcpus + wanted.vcpus <= (host.cpu_total ?? 0) * rules.ipolicy['vcpu-ratio'] &&
    host.disk_free !== null &&
    disk <= host.disk_free &&
    ranges.some((range) => wanted.memory <= range.max['memory-size']) &&
    !(crowded && cluster.tags.includes('htools:iextags:service'))
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

describe('allocate on any cluster', () => {
  it('takes a node with room when there is one, and otherwise names every node', () => {
    let placed = 0;
    fc.assert(
      fc.property(clusters, requests, (cluster, wanted) => {
        const result = allocate(deepFreeze(cluster), deepFreeze(wanted));
        const fitting = cluster.nodes.filter((host) => fits(cluster, host, wanted));
        assert.equal(result.ok, fitting.length > 0);
        if (result.ok) {
          placed += 1;
          const host = fitting.find((one) => one.uuid === result.nodes[0]);
          assert.ok(host, `${result.nodes[0]} has no room`);
          const policyOf = (one: AllocatorNode) =>
            cluster.groups.find((rules) => rules.uuid === one.group)?.alloc_policy;
          const preferred = fitting.some((one) => policyOf(one) === 'preferred');
          assert.equal(policyOf(host) === 'preferred', preferred);
        } else {
          const told = (name: string) => result.reasons.some((reason) => reason.startsWith(`${name}: `));
          for (const host of cluster.nodes)
            assert.ok(told(host.name) || told(`group ${host.group}`), `nothing is told of ${host.name}`);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
    assert.ok(placed > 100, `only ${placed} of 500 clusters had room`);
  });

  it('does not depend on the order of nodes and instances', () => {
    fc.assert(
      fc.property(clusters, requests, (cluster, wanted) => {
        const turned = {
          ...cluster,
          nodes: cluster.nodes.toReversed(),
          instances: cluster.instances.toReversed(),
        };
        const [one, other] = [allocate(cluster, wanted), allocate(turned, wanted)];
        assert.deepEqual(one.ok && one.nodes, other.ok && other.nodes);
      }),
    );
  });

  it('still finds room when a node gets more of anything, or the request asks for less', () => {
    fc.assert(
      fc.property(clusters, requests, fc.nat(), (cluster, wanted, which) => {
        if (!allocate(cluster, wanted).ok) return;
        const better = cluster.nodes.map((host, index) =>
          index === which % cluster.nodes.length
            ? {
                ...host,
                memory_total: (host.memory_total ?? 0) + 1000,
                memory_free: (host.memory_free ?? 0) + 1000,
                disk_free: (host.disk_free ?? 0) + 1000,
                cpu_total: (host.cpu_total ?? 0) + 1,
              }
            : host,
        );
        assert.ok(allocate({ ...cluster, nodes: better }, wanted).ok);
        assert.ok(allocate(cluster, { ...wanted, memory: 128, vcpus: 1, disks: [1024], tags: [] }).ok);
        assert.ok(allocate({ ...cluster, instances: cluster.instances.slice(1) }, wanted).ok);
      }),
    );
  });

  it('takes the placement with the lowest score of all', () => {
    fc.assert(
      fc.property(clusters, requests, (cluster, wanted) => {
        const result = allocate(cluster, wanted);
        if (!result.ok) return;
        for (const host of cluster.nodes) {
          const exclude = cluster.nodes.filter((one) => one !== host).map((one) => one.uuid);
          const single = allocate(cluster, { ...wanted, exclude });
          const policy = (uuid: string | undefined) => {
            const of = cluster.nodes.find((one) => one.uuid === uuid)?.group;
            return cluster.groups.find((rules) => rules.uuid === of)?.alloc_policy;
          };
          if (single.ok && policy(host.uuid) === policy(result.nodes[0]))
            assert.ok(result.score.after <= single.score.after + 1e-9);
        }
      }),
    );
  });
});
