// Initialises a cluster from a cluster file (docs/cluster-file.md).
import { SYSTEM } from '../access/principal.ts';
import { MerapiError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { World } from '../base/world.ts';
import { put } from '../store/changes.ts';
import type { Store } from '../store/define.ts';
import { type ClusterSpec, firstObjects } from './cluster-spec.ts';
import type { Manager } from './define.ts';

/**
 * Creates the cluster with its first node group and its master node. Other nodes are added by jobs.
 * @throws MerapiError already_exists; type_enforcement, wrong_input for wrong parameters
 */
export async function initCluster(store: Store, spec: ClusterSpec, world: World): Promise<void> {
  const { cluster, group, master } = firstObjects(spec, world);
  await store.commit({ job: null }, (view) => {
    if (view.initialised)
      throw new MerapiError('already_exists', `There is a cluster already: ${view.cluster.name}`);
    return [put('nodegroup', group), put('node', master), put('cluster', cluster)];
  });
}

/**
 * Stores which nodes of a cluster file are not in the cluster: each is added as soon as it answers (lib/app/joining.ts). A node that was
 * awaited before keeps its uuid.
 */
export async function awaitNodes(store: Store, spec: ClusterSpec, random: Random): Promise<void> {
  await store.commit({ job: null }, (view) => {
    const known = new Map(view.cluster.awaited_nodes.map((node) => [node.name, node.uuid]));
    const missing = spec.nodes.filter(({ name }) => !view.nodes.named(name));
    const awaited_nodes = missing.map((node) => ({ uuid: known.get(node.name) ?? random.uuid(), ...node }));
    return [put('cluster', { ...view.cluster, awaited_nodes })];
  });
}

/** Completes a cluster that initCluster() made: one job for its master node, and one for each missing node. Returns the ids of the jobs. */
export async function joinNodes(manager: Manager, spec: ClusterSpec): Promise<number[]> {
  const ids = [await manager.submit(SYSTEM, [{ OP_ID: 'OP_CLUSTER_POST_INIT' }])];
  const known = new Set(manager.names(SYSTEM, 'node').map(({ name }) => name));
  for (const { name, primary_ip } of spec.nodes)
    if (!known.has(name))
      ids.push(await manager.submit(SYSTEM, [{ OP_ID: 'OP_NODE_ADD', node_name: name, primary_ip }]));
  return ids;
}
