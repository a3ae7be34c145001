import type { NodeState } from './capacity.ts';

/**
 * Returns the function that computes the part of a placement's score that comes from location tags: one for each location that its
 * two nodes share, one for each desired location that the primary does not have, and one for each location of the primary where there
 * already is an instance with the same exclusion tag.
 */
export function locationPrice(
  states: readonly NodeState[],
  exclusion: readonly string[],
  desired: readonly string[],
): (primary: NodeState, secondary: NodeState | null) => number {
  const taken = new Map(exclusion.map((tag) => [tag, new Set<string>()]));
  for (const [tag, locations] of taken)
    for (const state of states)
      if (state.exclusion.has(tag)) for (const location of state.locations) locations.add(location);
  return (primary, secondary) => {
    const shared = secondary
      ? primary.locations.filter((location) => secondary.locations.includes(location))
      : [];
    const missed = desired.filter((location) => !primary.locations.includes(location));
    let crowded = 0;
    for (const locations of taken.values())
      crowded += primary.locations.filter((location) => locations.has(location)).length;
    return shared.length + missed.length + crowded;
  };
}
