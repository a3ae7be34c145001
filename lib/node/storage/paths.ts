// Restricts which paths of the host the master can use for disks. A disk's path comes from the cluster's configuration, so without this
// check a wrong or malicious one could overwrite or remove any file of the host.
import { isAbsolute, join, normalize, relative } from 'node:path';
import { MerapiError } from '../../base/errors.ts';

/** Maps the cluster's path `from`, and everything below it, to this node's own folder `to`; both are absolute paths. */
export interface PathMapping {
  from: string;
  to: string;
}

/**
 * The logical paths (those that the cluster uses) at which a node may keep disks, and the real paths of the host. The two are the same
 * on real nodes; simulated nodes of one machine have the same logical paths, each mapped to a folder of its own.
 */
export class StoragePaths {
  readonly #roots: readonly string[];
  readonly #mappings: readonly PathMapping[];

  /** `roots` are logical paths. Of several mappings that match a path, the one with the longest `from` counts. */
  constructor(roots: readonly string[], mappings: readonly PathMapping[]) {
    this.#roots = roots.map((root) => normalize(`${root}/`));
    this.#mappings = [...mappings].sort((a, b) => b.from.length - a.from.length);
  }

  /**
   * The real path for the logical path of a disk.
   * @throws MerapiError wrong_input when it is not an absolute path in normal form (no `..`, no `//`) below one of the roots
   */
  real(logical: string | number | undefined): string {
    const path = typeof logical === 'string' ? logical : '';
    const isNormal = isAbsolute(path) && path === normalize(path) && !path.endsWith('/');
    if (!isNormal || !this.#roots.some((root) => path.startsWith(root))) {
      const allowed = this.#roots.map((root) => root.slice(0, -1)).join(', ') || 'none';
      throw new MerapiError(
        'wrong_input',
        `This node keeps no disk at '${path}'; the folders for disks are: ${allowed}`,
      );
    }
    return this.#map(path);
  }

  /** The real path of one of the roots. @throws MerapiError wrong_input when this node has no such root */
  realRoot(logical: string): string {
    if (this.#roots.includes(normalize(`${logical}/`))) return this.#map(normalize(logical));
    throw new MerapiError('wrong_input', `This node keeps no disks in '${logical}'`);
  }

  /** The real paths of the roots. */
  realRoots(): string[] {
    return this.#roots.map((root) => this.#map(root.slice(0, -1)));
  }

  #map(path: string): string {
    for (const { from, to } of this.#mappings) {
      const rest = relative(from, path);
      if (rest !== '..' && !rest.startsWith('../')) return join(to, rest);
    }
    return path;
  }
}
