import { isAbsolute, join, normalize, relative } from 'node:path';
import { MerapiError } from '../../base/errors.ts';

/** Puts what the cluster calls `from` into this node's own folder `to`; both are absolute paths. */
export interface PathMapping {
  from: string;
  to: string;
}

/**
 * Which logical paths a node may keep disks at, and where they really are. Simulated nodes of one machine have the same
 * logical paths, each mapped to a folder of its own.
 */
export class StoragePaths {
  readonly #roots: readonly string[];
  readonly #mappings: readonly PathMapping[];

  /** `roots` are logical paths. */
  constructor(roots: readonly string[], mappings: readonly PathMapping[]) {
    this.#roots = roots.map((root) => normalize(`${root}/`));
    this.#mappings = [...mappings].sort((a, b) => b.from.length - a.from.length);
  }

  /** The real path of a disk's logical one. @throws MerapiError wrong_input when it is not below one of the roots. */
  real(logical: string | number | undefined): string {
    const path = typeof logical === 'string' ? logical : '';
    const isPlain = isAbsolute(path) && path === normalize(path) && !path.endsWith('/');
    if (!isPlain || !this.#roots.some((root) => path.startsWith(root))) {
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
