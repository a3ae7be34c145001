import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Layout, NODE_IDENTITY } from '../../lib/app/layout.ts';
import { makeKey } from '../../lib/base/tls.ts';

/**
 * How many keys there are: more than one cluster needs, so that clusters which are made one after the other have different authorities.
 */
const COUNT = 9;

const keys: Promise<string>[] = [];
let next = 0;

/** A key that other clusters of this process may have too: to make one takes a quarter of a second of processor time. */
function sharedKey(): Promise<string> {
  const index = next++ % COUNT;
  keys[index] ??= makeKey();
  return keys[index];
}

/** Puts keys into a state folder that does not exist yet, for the named programs of the master and for nodes of these names. */
export async function placeKeys(
  layout: Layout,
  programs: readonly ('ca' | 'master' | 'rapi')[],
  nodes: readonly string[],
): Promise<void> {
  const files = [
    ...programs.map((name) => join(layout.certificates, `${name}.key`)),
    ...nodes.map((name) => join(layout.nodeFolder(name), `${NODE_IDENTITY}.key`)),
  ];
  for (const file of files) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, await sharedKey(), { mode: 0o600 });
  }
}
