import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { type ObjectChange, put } from '../../store/changes.ts';

/** Which nodes to count, and with what size of the pool of master candidates: by default all, and the cluster's. */
export interface Pool {
  /** A node (uuid) that is about to change, and does not count. */
  without?: string;
  size?: number;
}

const canBe = (node: Node) => node.master_capable && !node.offline && !node.drained;

/** How many master candidates there are, and how many there should be. */
export function candidateCount(
  view: ClusterView,
  { without, size = view.cluster.candidate_pool_size }: Pool = {},
): { have: number; want: number } {
  const nodes = view.nodes.list().filter((node) => node.uuid !== without);
  return {
    have: nodes.filter((node) => node.master_candidate).length,
    want: Math.min(nodes.filter(canBe).length, size),
  };
}

/** Whether one node more, which can be a master candidate, should be one. */
export function wantsCandidate(view: ClusterView, pool: Pool = {}): boolean {
  const { have, want } = candidateCount(view, pool);
  return have < Math.min(want + 1, pool.size ?? view.cluster.candidate_pool_size);
}

/** The nodes, in the order of their names, that must become master candidates to fill the pool. */
export function missingCandidates(view: ClusterView, pool: Pool = {}): readonly Node[] {
  const { have, want } = candidateCount(view, pool);
  const free = view.nodes
    .list()
    .filter((node) => canBe(node) && !node.master_candidate && node.uuid !== pool.without);
  return free.slice(0, Math.max(0, want - have));
}

/** The changes that fill the pool of master candidates. */
export function fillPool(view: ClusterView, now: number, pool: Pool = {}): ObjectChange[] {
  return missingCandidates(view, pool).map((node) =>
    put('node', changed(node, { master_candidate: true }, now)),
  );
}
