// Copies of an AllocatorCluster with one instance added, moved or removed, and the free resources of its nodes changed accordingly.

import { fileSpace, volumeSpace } from './capacity.ts';
import type { AllocatorCluster, AllocatorInstance, AllocatorNode, Needs } from './model.ts';

/** The cluster with a new instance on these nodes (uuids, the primary first). It counts as not running. */
export function withNew(
  cluster: AllocatorCluster,
  name: string,
  needs: Needs,
  nodes: readonly string[],
): AllocatorCluster {
  const [primary = '', secondary = null] = nodes;
  const state = { running: false, offline: false, auto_balance: true };
  const instance = { ...needs, uuid: `new:${name}`, name, primary, secondary, ...state };
  return withInstance(cluster, instance);
}

/** The cluster with an existing instance on other nodes (uuids, the primary first). */
export function withMoved(
  cluster: AllocatorCluster,
  instance: AllocatorInstance,
  nodes: readonly string[],
): AllocatorCluster {
  const [primary = '', secondary = null] = nodes;
  return withInstance(withoutInstance(cluster, instance), { ...instance, primary, secondary });
}

/** The cluster without an instance: what it used on its nodes is free. */
export function withoutInstance(cluster: AllocatorCluster, instance: AllocatorInstance): AllocatorCluster {
  return {
    ...cluster,
    instances: cluster.instances.filter(({ uuid }) => uuid !== instance.uuid),
    nodes: adjusted(cluster.nodes, instance, 1),
  };
}

function withInstance(cluster: AllocatorCluster, instance: AllocatorInstance): AllocatorCluster {
  return {
    ...cluster,
    instances: [...cluster.instances, instance],
    nodes: adjusted(cluster.nodes, instance, -1),
  };
}

/** The nodes with their free resources increased (sign 1) or decreased (sign -1) by what an instance uses there. */
function adjusted(
  nodes: readonly AllocatorNode[],
  instance: AllocatorInstance,
  sign: 1 | -1,
): AllocatorNode[] {
  const { primary, secondary, running, memory } = instance;
  const space = volumeSpace(instance);
  const spindles = space > 0 ? (instance.spindles ?? 0) : 0;
  const change = (value: number | null, amount: number) => (value === null ? null : value + sign * amount);
  return nodes.map((node) => {
    if (node.uuid !== primary && node.uuid !== secondary) return node;
    return {
      ...node,
      memory_free: change(node.memory_free, node.uuid === primary && running ? memory : 0),
      disk_free: change(node.disk_free, space + fileSpace(instance)),
      spindles_free: change(node.spindles_free, spindles),
    };
  });
}
