// The score of a cluster, as Ganeti's htools compute it: how unevenly its nodes are loaded. Lower is better.

import type { NodeState } from './capacity.ts';

/** A quantity that should be equal on all nodes. The weights are those that Ganeti's hail prints. */
interface Measure {
  /** The weight of the standard deviation. */
  weight: number;
  /** The weight of the sum; 0 unless less of the quantity is better. */
  sumWeight: number;
  of(state: NodeState): number;
}

const measures: readonly Measure[] = [
  // Free memory: one half as it is now, one half as if all instances ran.
  { weight: 0.5, sumWeight: 0, of: (state) => share(state.memoryNow, state.node.memory_total) },
  { weight: 0.5, sumWeight: 0, of: (state) => share(state.memory, state.node.memory_total) },
  { weight: 1, sumWeight: 0.25, of: (state) => share(state.reserved, state.node.memory_total) },
  {
    weight: 1,
    sumWeight: 0,
    of: (state) => (state.node.disk_total ? share(state.disk, state.node.disk_total) : 1),
  },
  { weight: 1, sumWeight: 0, of: (state) => share(state.vcpus, state.node.cpu_total) },
  { weight: 1, sumWeight: 0, of: (state) => share(state.spindles, state.spindleLimit) },
  // Without measured load, each instance counts as one unit of CPU, memory and network load on its primary node …
  { weight: 3, sumWeight: 0, of: (state) => state.primaries },
  // … and as one unit of disk load on both nodes.
  { weight: 1, sumWeight: 0, of: (state) => state.primaries + state.secondaries },
];

function share(part: number, whole: number | null): number {
  return whole ? part / whole : 0;
}

/** A measure over all nodes: its mean, the deviation of each node from it, and the sum of their squares. */
interface Spread {
  measure: Measure;
  mean: number;
  deviations: Float64Array;
  squares: number;
}

function spreadOf(states: readonly NodeState[], measure: Measure): Spread {
  const values = Float64Array.from(states, (state) => measure.of(state));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviations = values.map((value) => value - mean);
  return { measure, mean, deviations, squares: deviations.reduce((sum, value) => sum + value * value, 0) };
}

/**
 * The score of a set of nodes: the weighted sum of the standard deviations of the measures. The sums over all nodes are computed once;
 * scoring a change takes a time that does not depend on the number of nodes.
 */
export class Balance {
  readonly #index: ReadonlyMap<string, number>;
  readonly #spreads: readonly Spread[];

  constructor(states: readonly NodeState[]) {
    this.#index = new Map(states.map((state, index) => [state.node.uuid, index]));
    this.#spreads = states.length === 0 ? [] : measures.map((measure) => spreadOf(states, measure));
  }

  /** The score with some of the nodes in the given states instead; 0 is a perfect balance. The nodes must be among those of the set. */
  score(changes: readonly NodeState[] = []): number {
    const indexes = changes.map((state) => this.#index.get(state.node.uuid) as number);
    let score = 0;
    for (const { measure, mean, deviations, squares } of this.#spreads) {
      let shift = 0; // change of the sum of the values
      let total = squares; // sum of the squared deviations from the old mean
      for (const [i, state] of changes.entries()) {
        const before = deviations[indexes[i] as number] as number;
        const after = measure.of(state) - mean;
        shift += after - before;
        total += after * after - before * before;
      }
      const count = deviations.length;
      const variance = Math.max(0, total / count - (shift / count) ** 2);
      score += measure.weight * Math.sqrt(variance) + measure.sumWeight * (mean * count + shift);
    }
    return score;
  }
}
