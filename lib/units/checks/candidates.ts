// The pool of master candidates: nodes that can become the master. There should be `candidate_pool_size` of them, or as many as there
// are nodes that can be one. Whatever takes a candidate away, or makes room in the pool, fills it up with these functions.

import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import type { ClusterView } from '../../model/view.ts';
import { type ObjectChange, put } from '../../store/changes.ts';

/** Which nodes to count, and the size of the pool: by default all nodes, and the cluster's size. */
export interface Pool {
  /** A node (uuid) that is about to change and so is not counted. */
  without?: string;
  size?: number;
}

const canBeCandidate = (node: Node) => node.master_capable && !node.offline && !node.drained;

/** How many master candidates there are, and how many there should be. */
export function candidateCount(
  view: ClusterView,
  { without, size = view.cluster.candidate_pool_size }: Pool = {},
): { have: number; want: number } {
  const nodes = view.nodes.list().filter((node) => node.uuid !== without);
  return {
    have: nodes.filter((node) => node.master_candidate).length,
    want: Math.min(nodes.filter(canBeCandidate).length, size),
  };
}

/** Whether one more node that can be a master candidate (it is not counted by `pool`) should become one. */
export function wantsCandidate(view: ClusterView, pool: Pool = {}): boolean {
  const { have, want } = candidateCount(view, pool);
  return have < Math.min(want + 1, pool.size ?? view.cluster.candidate_pool_size);
}

/** The nodes that must become master candidates to fill the pool, in the order of their names. */
export function missingCandidates(view: ClusterView, pool: Pool = {}): readonly Node[] {
  const { have, want } = candidateCount(view, pool);
  const free = view.nodes
    .list()
    .filter((node) => canBeCandidate(node) && !node.master_candidate && node.uuid !== pool.without);
  return free.slice(0, Math.max(0, want - have));
}

/** The changes that fill the pool of master candidates. */
export function fillPool(view: ClusterView, now: number, pool: Pool = {}): ObjectChange[] {
  return missingCandidates(view, pool).map((node) =>
    put('node', changed(node, { master_candidate: true }, now)),
  );
}
