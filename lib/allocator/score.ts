import type { NodeState } from './capacity.ts';

/** One thing that should be alike on all nodes; the weights are those that Ganeti's hail tells of itself. */
interface Measure {
  /** Of the standard deviation. */
  weight: number;
  /** Of the sum; 0 unless less of it is better. */
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
  // Without figures of real load each instance counts as one unit of CPU, memory and network load where it runs …
  { weight: 3, sumWeight: 0, of: (state) => state.primaries },
  // … and of disk load, which a secondary has as well.
  { weight: 1, sumWeight: 0, of: (state) => state.primaries + state.secondaries },
];

function share(part: number, whole: number | null): number {
  return whole ? part / whole : 0;
}

/** A measure over all nodes: its mean, how far each node is from it, and the sum of the squares of that. */
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
 * How evenly nodes are loaded: the weighted sum of the standard deviations of the measures. It is made once from all nodes;
 * then the price of scoring a change does not depend on their number.
 */
export class Balance {
  readonly #index: ReadonlyMap<string, number>;
  readonly #spreads: readonly Spread[];

  constructor(states: readonly NodeState[]) {
    this.#index = new Map(states.map((state, index) => [state.node.uuid, index]));
    this.#spreads = states.length === 0 ? [] : measures.map((measure) => spreadOf(states, measure));
  }

  /** The score with these of the nodes in other states; 0 is a perfect balance. */
  score(changes: readonly NodeState[] = []): number {
    const indexes = changes.map((state) => this.#index.get(state.node.uuid) as number);
    let score = 0;
    for (const { measure, mean, deviations, squares } of this.#spreads) {
      let shift = 0;
      let total = squares;
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
