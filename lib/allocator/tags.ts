/** Prefixes of tags that matter for placement. Tags of the cluster define them, as in Ganeti's htools. */
export interface TagRules {
  /** Instances with the same tag of this kind must not have the same primary node. */
  exclusion: readonly string[];
  /** Nodes with the same tag of this kind may fail together. */
  location: readonly string[];
  /** Instances with a tag of this kind should be on nodes with the same tag. */
  desired: readonly string[];
}

/** Reads the prefixes from the cluster's tags (`htools:iextags:P`, `htools:nlocation:P`, `htools:desiredlocation:P`). */
export function tagRules(clusterTags: readonly string[]): TagRules {
  const named = (kind: string) =>
    clusterTags
      .filter((tag) => tag.startsWith(`htools:${kind}:`))
      .map((tag) => `${tag.slice(`htools:${kind}:`.length)}:`);
  return { exclusion: named('iextags'), location: named('nlocation'), desired: named('desiredlocation') };
}

/** Those of an object's tags that begin with one of the prefixes, each once. */
export function tagsWith(tags: readonly string[], prefixes: readonly string[]): string[] {
  if (prefixes.length === 0) return [];
  return [...new Set(tags.filter((tag) => prefixes.some((prefix) => tag.startsWith(prefix))))];
}
