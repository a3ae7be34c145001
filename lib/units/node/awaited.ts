// Awaited nodes: nodes that the cluster's initial configuration names and that have not joined yet (`awaited_nodes` of the cluster).

import type { ClusterView } from '../../model/view.ts';
import { type ObjectChange, put } from '../../store/changes.ts';

/** Whether the name is that of an awaited node, and no node of that name is in the cluster. */
export function isOnlyAwaited(view: ClusterView, name: string): boolean {
  return awaits(view, name.toLowerCase()) && !view.nodes.named(name);
}

/** The change that removes the node of this name from the awaited ones; no change when it is not among them. */
export function noLongerAwaited(view: ClusterView, name: string): ObjectChange[] {
  if (!awaits(view, name)) return [];
  const awaited_nodes = view.cluster.awaited_nodes.filter((node) => node.name !== name);
  return [put('cluster', { ...view.cluster, awaited_nodes })];
}

const awaits = ({ cluster }: ClusterView, name: string) =>
  cluster.awaited_nodes.some((node) => node.name === name);
