import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nodeStates } from '../../lib/allocator/capacity.ts';
import { changeGroup, nodeEvacuate } from '../../lib/allocator/evacuate.ts';
import type {
  AllocatorCluster,
  AllocatorInstance,
  AllocatorNode,
  EvacMode,
  Moved,
} from '../../lib/allocator/model.ts';
import { withMoved } from '../../lib/allocator/moves.ts';
import { multiAllocate } from '../../lib/allocator/multi.ts';
import { relocate } from '../../lib/allocator/relocate.ts';
import { tagRules } from '../../lib/allocator/tags.ts';
import { cluster, group, instance, node, request } from './fixtures.ts';

const runs = { seed: Number(process.env.MERAPI_SEED ?? 1), numRuns: 300 };
const onAllNodes = ['sharedfile', 'diskless'];

/** Clusters of two groups whose instances have room where they are, most of them drbd. */
const clusters = fc
  .record({
    nodes: fc.array(
      fc.record({ group: fc.constantFrom('g1', 'g2'), memory: fc.integer({ min: 0, max: 9 }) }),
      {
        minLength: 2,
        maxLength: 7,
      },
    ),
    instances: fc.array(
      fc.record({
        at: fc.nat(),
        other: fc.nat(),
        memory: fc.constantFrom(256, 1024, 3000),
        template: fc.constantFrom('drbd', 'drbd', 'drbd', 'sharedfile', 'plain'),
        running: fc.boolean(),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ nodes, instances }): AllocatorCluster => {
    const all = nodes.map((each, index) => node(`n${index}`, { group: each.group }));
    const placed = instances.map(({ at, other, memory, template, running }, index): AllocatorInstance => {
      const primary = all[at % all.length] as AllocatorNode;
      const peers = all.filter((peer) => peer !== primary && peer.group === primary.group);
      const secondary = template === 'drbd' ? (peers[other % Math.max(1, peers.length)] ?? null) : null;
      const disk_template = template === 'drbd' && secondary === null ? 'plain' : template;
      return instance(primary.uuid, {
        ...{ uuid: `i${index}`, name: `i${index}`, secondary: secondary?.uuid ?? null },
        ...{ memory, running, disk_template: disk_template as AllocatorInstance['disk_template'] },
      });
    });
    const used = (uuid: string) =>
      placed.reduce((sum, each) => sum + (each.primary === uuid && each.running ? each.memory : 0), 0);
    const measured = all.map((each, index) => ({
      ...each,
      memory_free: (each.memory_total ?? 0) - used(each.uuid) - (nodes[index]?.memory ?? 0) * 800,
    }));
    return cluster(measured, placed, { groups: [group('g1'), group('g2')] });
  });

const groupOf = (state: AllocatorCluster, uuid: string | undefined) =>
  state.nodes.find((each) => each.uuid === uuid)?.group;

/** Does the moves one after the other; a new primary node must have the memory for what comes. */
function follow(state: AllocatorCluster, moved: readonly Moved[]): AllocatorCluster {
  return moved.reduce((now, { instance, nodes }) => {
    const next = withMoved(now, instance, nodes);
    if (nodes[0] === instance.primary) return next;
    const states = nodeStates(next, tagRules([]));
    const primary = states.find(({ node: { uuid } }) => uuid === nodes[0]);
    assert.ok((primary?.memory ?? -1) >= 0, `${instance.name}: no room on ${nodes[0]}`);
    return next;
  }, state);
}

/** What the steps of a move make of an instance's nodes. */
function stepped({ instance, steps }: Moved): (string | null)[] {
  return steps.reduce<(string | null)[]>(
    ([primary = null, secondary = null], { kind, to }) => {
      if (kind === 'secondary') return [primary, to];
      return to === null ? [secondary, primary] : [to, secondary];
    },
    [instance.primary, instance.secondary],
  );
}

function told(state: AllocatorCluster): string {
  return JSON.stringify(state);
}

describe('moves of instances', () => {
  it('nodeEvacuate: all are told of, nobody goes to a node that is left, and there is room', async () => {
    const modes = fc.constantFrom<EvacMode>('primary-only', 'secondary-only', 'all');
    await fc.assert(
      fc.asyncProperty(clusters, fc.nat(), modes, async (state, which, mode) => {
        const left = (state.nodes[which % state.nodes.length] as AllocatorNode).uuid;
        const there = state.instances.filter(
          ({ primary, secondary }) =>
            (mode !== 'secondary-only' && primary === left) ||
            (mode !== 'primary-only' && secondary === left),
        );
        const before = told(state);
        const { moved, failed } = await nodeEvacuate(
          state,
          there.map(({ uuid }) => uuid),
          mode,
        );
        assert.equal(told(state), before, 'nothing is changed');
        const named = [...moved, ...failed].map((each) => each.instance.uuid);
        assert.deepEqual(named.sort(), there.map(({ uuid }) => uuid).sort());
        follow(state, moved);
        for (const move of moved) {
          const [primary, secondary] = move.nodes;
          assert.equal(groupOf(state, primary), groupOf(state, move.instance.primary));
          assert.deepEqual(stepped(move), [primary, secondary ?? null], 'the steps lead there');
          if (mode !== 'secondary-only') assert.notEqual(primary, move.instance.primary);
          if (mode === 'secondary-only') {
            assert.equal(primary, move.instance.primary);
            assert.notEqual(secondary, left);
          }
          if (mode === 'all') assert.ok(!move.nodes.includes(left));
          if (!onAllNodes.includes(move.instance.disk_template))
            assert.equal(move.instance.disk_template, 'drbd');
        }
        for (const { reason } of failed) assert.match(reason, /\w/);
      }),
      runs,
    );
  });

  it('changeGroup: to the groups that are wanted, with room, and with steps that lead there', async () => {
    await fc.assert(
      fc.asyncProperty(clusters, fc.constantFrom('g1', 'g2', null), async (state, target) => {
        const all = state.instances.map(({ uuid }) => uuid);
        const { moved, failed } = await changeGroup(state, all, target === null ? null : [target]);
        assert.equal(moved.length + failed.length, all.length);
        follow(state, moved);
        for (const move of moved) {
          const own = groupOf(state, move.instance.primary);
          const wanted = target ?? (own === 'g1' ? 'g2' : 'g1');
          assert.notEqual(own, wanted);
          for (const uuid of move.nodes) assert.equal(groupOf(state, uuid), wanted);
          assert.deepEqual(stepped(move), [move.nodes[0], move.nodes[1] ?? null]);
        }
      }),
      runs,
    );
  });

  it('relocate: keeps the side that stays, and refuses what is on one node alone', () => {
    fc.assert(
      fc.property(clusters, (state) => {
        for (const each of state.instances) {
          const answer = relocate(state, each);
          if (each.disk_template === 'plain') assert.ok(!answer.ok);
          if (!answer.ok) continue;
          const [primary, secondary] = answer.nodes;
          if (each.disk_template === 'drbd') {
            assert.equal(primary, each.primary);
            assert.ok(secondary !== each.secondary && secondary !== primary);
          } else assert.notEqual(primary, each.primary);
          assert.ok(answer.nodes.every((uuid) => groupOf(state, uuid) === groupOf(state, each.primary)));
        }
      }),
      runs,
    );
  });

  it('multiAllocate: each counts with those before it', async () => {
    const one = cluster([node('n0', { memory_free: 2500 }), node('n1', { memory_free: 1500 })]);
    const wanted = ['a', 'b', 'c', 'd'].map((name) => ({ name, request: request() }));
    const answers = await multiAllocate(one, wanted);
    assert.deepEqual(
      answers.map(({ ok }) => ok),
      [true, true, true, false],
    );
    const placed = answers.flatMap((answer) => (answer.ok ? answer.nodes : []));
    assert.deepEqual(placed.sort(), ['n0', 'n0', 'n1']);
  });
});
