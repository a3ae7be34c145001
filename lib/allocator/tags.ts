/** How the cluster's tags tell placement what other tags mean: by naming their prefixes. */
export interface TagRules {
  /** Instances that share such a tag never have the same primary node. */
  exclusion: readonly string[];
  /** Nodes that share such a tag may fail together. */
  location: readonly string[];
  /** Instances with such a tag wish for a node with the same tag. */
  desired: readonly string[];
}

/** Reads the rules off the cluster's tags (`htools:iextags:P`, `htools:nlocation:P`, `htools:desiredlocation:P`). */
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
