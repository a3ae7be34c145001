import type { ClusterView } from '../../model/view.ts';
import { type ObjectChange, put } from '../../store/changes.ts';

/** Whether a name is that of a node that is yet to join the cluster. */
export function isOnlyAwaited(view: ClusterView, name: string): boolean {
  return awaits(view, name.toLowerCase()) && !view.nodes.named(name);
}

/** The change after which a node of this name is awaited no longer; none when it is not. */
export function noLongerAwaited(view: ClusterView, name: string): ObjectChange[] {
  if (!awaits(view, name)) return [];
  const awaited_nodes = view.cluster.awaited_nodes.filter((node) => node.name !== name);
  return [put('cluster', { ...view.cluster, awaited_nodes })];
}

const awaits = ({ cluster }: ClusterView, name: string) =>
  cluster.awaited_nodes.some((node) => node.name === name);
