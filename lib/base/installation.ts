// Paths of the files of this installation. The compiled program is bundled, so import.meta.url does not lead to the folder of a source:
// code that starts a program or reads a file of Merapi must ask here. Compiled files are taken from `dist` also when the sources run
// themselves, as in tests, which build it first.
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
