import { fileSpace, volumeSpace } from './capacity.ts';
import type { AllocatorCluster, AllocatorInstance, AllocatorNode, Needs } from './model.ts';

/** The cluster with an instance that is to be made, not running, on these nodes (uuids, the primary first). */
export function withNew(
  cluster: AllocatorCluster,
  name: string,
  needs: Needs,
  nodes: readonly string[],
): AllocatorCluster {
  const [primary = '', secondary = null] = nodes;
  const state = { running: false, offline: false, auto_balance: true };
  const instance = { ...needs, uuid: `new:${name}`, name, primary, secondary, ...state };
  return placed(cluster, instance);
}

/** The cluster with an instance on other nodes (uuids, the primary first). */
export function withMoved(
  cluster: AllocatorCluster,
  instance: AllocatorInstance,
  nodes: readonly string[],
): AllocatorCluster {
  const [primary = '', secondary = null] = nodes;
  return placed(takenAway(cluster, instance), { ...instance, primary, secondary });
}

/** The cluster as it is without an instance: what it uses of its nodes is free. */
export function takenAway(cluster: AllocatorCluster, instance: AllocatorInstance): AllocatorCluster {
  return {
    ...cluster,
    instances: cluster.instances.filter(({ uuid }) => uuid !== instance.uuid),
    nodes: measured(cluster.nodes, instance, 1),
  };
}

function placed(cluster: AllocatorCluster, instance: AllocatorInstance): AllocatorCluster {
  return {
    ...cluster,
    instances: [...cluster.instances, instance],
    nodes: measured(cluster.nodes, instance, -1),
  };
}

/** The nodes with what they have free more (sign 1) or less (sign -1) by what an instance uses there. */
function measured(
  nodes: readonly AllocatorNode[],
  instance: AllocatorInstance,
  sign: 1 | -1,
): AllocatorNode[] {
  const { primary, secondary, running, memory } = instance;
  const space = volumeSpace(instance);
  const spindles = space > 0 ? (instance.spindles ?? 0) : 0;
  const more = (value: number | null, amount: number) => (value === null ? null : value + sign * amount);
  return nodes.map((node) => {
    if (node.uuid !== primary && node.uuid !== secondary) return node;
    return {
      ...node,
      memory_free: more(node.memory_free, node.uuid === primary && running ? memory : 0),
      disk_free: more(node.disk_free, space + fileSpace(instance)),
      spindles_free: more(node.spindles_free, spindles),
    };
  });
}
