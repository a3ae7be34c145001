import { fileURLToPath } from 'node:url';
import { runOrThrow } from '../../lib/base/exec.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
let built: Promise<string> | null = null;

/** The folder with the demo guest (its `os` is an OS search path), built at the first use and kept for later runs. */
export function demoGuest(): Promise<string> {
  const folder = `${top}build/demo`;
  built ??= runOrThrow(`${top}demo/build-guest.sh`, [folder], { timeout: 300_000 }).then(() => folder);
  return built;
}
