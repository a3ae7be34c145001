// Finds and corrects files of the state that users other than their owner can reach. Programs do this at their start; `merapi check`
// reports what they would correct.

import type { Stats } from 'node:fs';
import { chmod, chown, lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A file or folder that other users may reach, or that the wrong user owns. */
export interface Exposed {
  path: string;
  /** Its permission bits, and those that it should have: 0700 for folders and programs, 0600 for other files. */
  mode: number;
  wanted: number;
  /** The id of its owner when that is the wrong user; null when it is right or not checked. */
  foreign: number | null;
}

/** What to look at. */
export interface Reach {
  /** Selects the names in the folder itself that are checked, with everything below them. */
  isOurs(name: string): boolean;
  /** The id of the user who should own everything; null when owners are not checked. */
  owner: number | null;
  /** Names of folders whose content is skipped when the folder itself is not exposed; by default none is skipped. */
  closed?: readonly string[];
}

/** The exposed files and folders: the folder itself and what is in it. Symbolic links are not followed; files that vanish are ignored. */
export async function exposedIn(folder: string, { isOurs, owner, closed = [] }: Reach): Promise<Exposed[]> {
  const found: Exposed[] = [];
  const look = async (path: string, isWanted: (name: string) => boolean): Promise<void> => {
    const stats = await lstat(path).catch(() => null);
    if (!stats || stats.isSymbolicLink()) return;
    const exposed = exposure(path, stats, owner);
    if (exposed) found.push(exposed);
    if (!stats.isDirectory() || (!exposed && closed.includes(basename(path)))) return;
    for (const name of await readdir(path).catch(() => []))
      if (isWanted(name)) await look(join(path, name), () => true);
  };
  await look(folder, isOurs);
  return found;
}

function exposure(path: string, stats: Stats, owner: number | null): Exposed | null {
  const mode = stats.mode & 0o7777;
  const isExecutable = stats.isDirectory() || (mode & 0o100) !== 0;
  const wanted = isExecutable ? 0o700 : 0o600;
  const foreign = owner !== null && stats.uid !== owner ? stats.uid : null;
  return (mode & ~wanted) !== 0 || foreign !== null ? { path, mode, wanted, foreign } : null;
}

/**
 * Sets the permission bits and the owner as they should be; false when this user is not permitted to. A symbolic link that has replaced
 * the file since it was found is left alone: whoever can write in an exposed folder must not make us change a file elsewhere. Exposed
 * folders must be closed before their content (the order of exposedIn()), so that no link can appear after this check.
 */
export async function close({ path, wanted, foreign }: Exposed, owner: number | null): Promise<boolean> {
  try {
    if ((await lstat(path)).isSymbolicLink()) return true;
    await chmod(path, wanted);
    if (foreign !== null && owner !== null) await chown(path, owner, -1);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EPERM' || code === 'EACCES' || code === 'EROFS') return false;
    throw error;
  }
}

/**
 * Makes a folder and the selected files in it accessible to their owner only, as far as this user is permitted to; returns the paths
 * that were changed. Large folders that are not exposed themselves are skipped: no other user can reach their content.
 */
export async function closeFolder(folder: string, isOurs: (name: string) => boolean): Promise<string[]> {
  const closed: string[] = [];
  for (const exposed of await exposedIn(folder, { isOurs, owner: null, closed: LARGE_FOLDERS }))
    if (await close(exposed, null)) closed.push(exposed.path);
  return closed;
}

/** Folders with very many files, or very large ones. */
const LARGE_FOLDERS = ['journal', 'file-storage', 'shared-file-storage', 'volumes', 'export'];
