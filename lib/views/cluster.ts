import type { Cluster } from '../model/cluster.ts';
import type { ClusterView } from '../model/view.ts';

/** What of the cluster object nobody is shown: sealed secrets, and what the master notes for itself. */
type Hidden = 'osparams_private' | 'awaited_nodes' | 'stopped_instances';

/** The cluster itself with the name of its master node; null when the node is not one that may be seen. */
export interface ShownCluster extends Omit<Cluster, Hidden> {
  readonly master: string | null;
}

/** The last answer for each state of the cluster object. */
const last = new WeakMap<Cluster, ShownCluster>();

/**
 * The cluster itself. As long as nothing of it changes it is the same object.
 * @throws MerapiError unavailable when the cluster is not initialised.
 */
export function shownCluster(view: ClusterView): ShownCluster {
  const { cluster } = view;
  const master = view.nodes.get(cluster.master_node)?.name ?? null;
  const known = last.get(cluster);
  if (known?.master === master) return known;
  const { osparams_private, awaited_nodes, stopped_instances, ...shown } = cluster;
  const made = { ...shown, master };
  last.set(cluster, made);
  return made;
}
