import type { Cluster } from '../model/cluster.ts';
import type { ClusterView } from '../model/view.ts';

/** Members of the cluster object that are never shown: sealed secrets, and internal notes of the master. */
type Hidden = 'osparams_private' | 'awaited_nodes' | 'stopped_instances';

/** The cluster itself with the name of its master node; the name is null when the principal may not see the node. */
export interface ShownCluster extends Omit<Cluster, Hidden> {
  readonly master: string | null;
}

/** The last result for each state of the cluster object, so that callers can cache what they derive from it. */
const lastShown = new WeakMap<Cluster, ShownCluster>();

/**
 * The cluster itself; the same object as long as nothing of it changes.
 * @throws MerapiError unavailable when the cluster is not initialised
 */
export function shownCluster(view: ClusterView): ShownCluster {
  const { cluster } = view;
  const master = view.nodes.get(cluster.master_node)?.name ?? null;
  const previous = lastShown.get(cluster);
  if (previous?.master === master) return previous;
  const { osparams_private, awaited_nodes, stopped_instances, ...shown } = cluster;
  const result = { ...shown, master };
  lastShown.set(cluster, result);
  return result;
}
