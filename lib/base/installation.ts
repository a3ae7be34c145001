// Where the files of this installation are. The compiled program is bundled, so the place of a source says nothing about that of its code:
// whoever starts a program or reads a file that belongs to Merapi asks here. Both are taken from `dist` also when the sources
// themselves run, as in tests, which build it first.
import { existsSync } from 'node:fs';

/** The folder of package.json. */
const root = findRoot(new URL('./', import.meta.url));

function findRoot(folder: URL): URL {
  return existsSync(new URL('package.json', folder)) ? folder : findRoot(new URL('../', folder));
}

/** A file of this installation by its path, such as `package.json`. */
export function installed(path: string): URL {
  return new URL(path, root);
}

/** The compiled form of a program or of a thread's body, by the path of its source: `cli/main` of lib/cli/main.ts. */
export function compiled(path: string): URL {
  return new URL(`dist/${path}.js`, root);
}
