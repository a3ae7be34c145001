import type { ClusterView } from '../model/view.ts';
import type { clusterFields } from '../query/fields/cluster.ts';
import { maybe, normal, UNAVAIL, type Value, type Values } from './define.ts';

const values: Record<keyof typeof clusterFields, Value<ClusterView>> = {
  cluster_name: ({ cluster }) => normal(cluster.name),
  ctime: ({ cluster }) => normal(cluster.ctime),
  drain_flag: ({ cluster }) => normal(cluster.queue_drained),
  master_node: ({ cluster, nodes }) => maybe(nodes.get(cluster.master_node)?.name),
  mtime: ({ cluster }) => normal(cluster.mtime),
  serial_no: ({ cluster }) => normal(cluster.serial_no),
  tags: ({ cluster }) => normal(cluster.tags),
  uuid: ({ cluster }) => normal(cluster.uuid),
  volume_group_name: ({ cluster }) => maybe(cluster.vg_name),
  watcher_pause: () => UNAVAIL, // there is no watcher that could rest
};

/** The value of every field of the cluster itself. */
export const clusterValues: Values<ClusterView> = new Map(Object.entries(values));
