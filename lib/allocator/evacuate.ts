// Placement of instances that must leave nodes or groups. Instances are placed one after the other, each in the cluster as it will be
// after the moves of those before it.

import { Slices } from '../base/slices.ts';
import { templates } from '../model/templates/index.ts';
import { allocate } from './allocate.ts';
import { demandOf, nodeStates } from './capacity.ts';
import type {
  Allocation,
  AllocatorCluster,
  AllocatorInstance,
  EvacMode,
  Evacuation,
  Moved,
  MoveStep,
} from './model.ts';
import { withMoved, withoutInstance } from './moves.ts';
import { primaryProblems, unansweredReasons } from './refusals.ts';
import { aloneText, refusal, relocate } from './relocate.ts';
import { tagRules } from './tags.ts';

type Chosen = { nodes: readonly string[]; steps: readonly MoveStep[] } | { reasons: readonly string[] };
type Choose = (cluster: AllocatorCluster, instance: AllocatorInstance) => Chosen;

/**
 * Finds new nodes in their groups for instances (uuids) that leave their primary nodes, their secondary nodes or both. No instance is
 * placed on a node that one of them leaves.
 */
export function nodeEvacuate(
  cluster: AllocatorCluster,
  instances: readonly string[],
  mode: EvacMode,
  ignore_soft_errors = false,
): Promise<Evacuation> {
  const leaving = cluster.instances.filter(({ uuid }) => instances.includes(uuid));
  const abandoned = leaving.flatMap(({ primary, secondary }) => [
    ...(mode === 'secondary-only' ? [] : [primary]),
    ...(mode === 'primary-only' || secondary === null ? [] : [secondary]),
  ]);
  const options = { exclude: [...new Set(abandoned)], ignore_ipolicy: true, ignore_soft_errors };
  return eachInTurn(cluster, instances, (now, instance) => {
    if (!templates[instance.disk_template].mirrored) {
      if (mode === 'secondary-only') return { reasons: ['it has no secondary node'] };
      return toOtherPrimary(relocate(now, instance, options));
    }
    if (mode === 'primary-only') return toSecondary(now, instance, ignore_soft_errors);
    if (mode === 'secondary-only')
      return chosen(relocate(now, instance, options), ([, to = '']) => [{ kind: 'secondary', to }]);
    const group = groupOf(now, instance);
    return toPair(now, instance, { ...options, groups: [group], any_policy: true });
  });
}

/** Finds new nodes in other groups for instances (uuids): in one of `targets` (uuids), or for null in any group but their own. */
export function changeGroup(
  cluster: AllocatorCluster,
  instances: readonly string[],
  targets: readonly string[] | null,
): Promise<Evacuation> {
  const wanted = targets ?? cluster.groups.map(({ uuid }) => uuid);
  return eachInTurn(cluster, instances, (now, instance) => {
    const groups = wanted.filter((uuid) => uuid !== groupOf(now, instance));
    if (templates[instance.disk_template].mirrored) return toPair(now, instance, { groups });
    const without = withoutInstance(now, instance);
    if (!templates[instance.disk_template].shared)
      return toOtherPrimary(refusal(aloneText(instance, nameOf(now, instance.primary))));
    return toOtherPrimary(allocate(without, { ...instance, required_nodes: 1, primary: undefined, groups }));
  });
}

/** Chooses for one instance after the other, and applies each move to the cluster before the next choice. */
async function eachInTurn(
  cluster: AllocatorCluster,
  uuids: readonly string[],
  choose: Choose,
): Promise<Evacuation> {
  const slices = new Slices();
  const moved: Moved[] = [];
  const failed: { instance: AllocatorInstance; reason: string }[] = [];
  let now = cluster;
  for (const instance of uuids.flatMap((uuid) => cluster.instances.find((one) => one.uuid === uuid) ?? [])) {
    if (slices.over) await slices.pause();
    const choice = choose(now, instance);
    if ('reasons' in choice) {
      failed.push({ instance, reason: choice.reasons.join('. ') });
      continue;
    }
    moved.push({ instance, ...choice });
    now = withMoved(now, instance, choice.nodes);
  }
  return { moved, failed };
}

function chosen(answer: Allocation, steps: (nodes: readonly string[]) => MoveStep[]): Chosen {
  return answer.ok ? { nodes: answer.nodes, steps: steps(answer.nodes) } : { reasons: answer.reasons };
}

const toOtherPrimary = (answer: Allocation): Chosen =>
  chosen(answer, ([to = null]) => [{ kind: 'primary', to }]);

/** Moves to two new nodes. The future primary becomes the secondary first, for data can only be copied to it as a mirror. */
function toPair(
  cluster: AllocatorCluster,
  instance: AllocatorInstance,
  where: { groups: readonly string[]; any_policy?: boolean; exclude?: readonly string[] },
): Chosen {
  const own = [instance.primary, ...(instance.secondary === null ? [] : [instance.secondary])];
  const { primary: _left, ...needs } = instance;
  const request = {
    ...needs,
    ...where,
    required_nodes: 2,
    exclude: [...(where.exclude ?? []), ...own],
  } as const;
  return chosen(allocate(withoutInstance(cluster, instance), request), ([primary = '', secondary = '']) => [
    { kind: 'secondary', to: primary },
    { kind: 'primary', to: null },
    { kind: 'secondary', to: secondary },
  ]);
}

/** Swaps the roles of the two nodes. A drained node may become the primary too: it has the data already. */
function toSecondary(cluster: AllocatorCluster, instance: AllocatorInstance, ignoreSoft: boolean): Chosen {
  const { primary, secondary } = instance;
  if (secondary === null) return { reasons: ['its disks have no secondary node'] };
  const rules = tagRules(cluster.tags);
  const state = nodeStates(withoutInstance(cluster, instance), rules).find(
    ({ node }) => node.uuid === secondary,
  );
  if (!state) return { reasons: ['its secondary node is not known'] };
  const silent = unansweredReasons(state);
  const problems = silent.length > 0 ? silent : primaryProblems(state, demandOf(instance, rules), ignoreSoft);
  if (problems.length > 0) return { reasons: [`${state.node.name}: ${problems.join(', ')}`] };
  return { nodes: [secondary, primary], steps: [{ kind: 'primary', to: null }] };
}

function groupOf(cluster: AllocatorCluster, { primary }: AllocatorInstance): string {
  return cluster.nodes.find(({ uuid }) => uuid === primary)?.group ?? '';
}

function nameOf(cluster: AllocatorCluster, node: string): string {
  return cluster.nodes.find(({ uuid }) => uuid === node)?.name ?? node;
}
