import type { ClusterView } from '../model/view.ts';
import type { clusterFields } from '../query/fields/cluster.ts';
import { type FieldReader, type FieldReaders, maybe, normal, UNAVAIL } from './define.ts';

const values: Record<keyof typeof clusterFields, FieldReader<ClusterView>> = {
  cluster_name: ({ cluster }) => normal(cluster.name),
  ctime: ({ cluster }) => normal(cluster.ctime),
  drain_flag: ({ cluster }) => normal(cluster.queue_drained),
  master_node: ({ cluster, nodes }) => maybe(nodes.get(cluster.master_node)?.name),
  mtime: ({ cluster }) => normal(cluster.mtime),
  serial_no: ({ cluster }) => normal(cluster.serial_no),
  tags: ({ cluster }) => normal(cluster.tags),
  uuid: ({ cluster }) => normal(cluster.uuid),
  volume_group_name: ({ cluster }) => maybe(cluster.vg_name),
  watcher_pause: () => UNAVAIL, // Merapi has no watcher
};

/** The readers of all fields of the cluster itself. */
export const clusterValues: FieldReaders<ClusterView> = new Map(Object.entries(values));
