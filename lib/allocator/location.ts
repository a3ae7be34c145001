import type { NodeState } from './capacity.ts';

/**
 * Gives the price of a place by location: one for each place that its two nodes share, for each wish that the primary does
 * not fulfil, and for each place where an instance of the same exclusion tag is already.
 */
export function locationPrice(
  states: readonly NodeState[],
  exclusion: readonly string[],
  desired: readonly string[],
): (primary: NodeState, secondary: NodeState | null) => number {
  const taken = new Map(exclusion.map((tag) => [tag, new Set<string>()]));
  for (const [tag, places] of taken)
    for (const state of states)
      if (state.exclusion.has(tag)) for (const place of state.locations) places.add(place);
  return (primary, secondary) => {
    const shared = secondary ? primary.locations.filter((place) => secondary.locations.includes(place)) : [];
    const missed = desired.filter((place) => !primary.locations.includes(place));
    let crowded = 0;
    for (const places of taken.values())
      crowded += primary.locations.filter((place) => places.has(place)).length;
    return shared.length + missed.length + crowded;
  };
}
