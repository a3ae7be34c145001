import type { Stats } from 'node:fs';
import { chmod, chown, lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Something that others than its owner may reach, or that another user owns than should. */
export interface Exposed {
  path: string;
  /** Its permission bits, and those that it should have: 0700 of folders and programs, 0600 of files. */
  mode: number;
  wanted: number;
  /** The id of the user who owns it, where that is another than should. */
  foreign: number | null;
}

export interface Reach {
  /** The names in the folder itself that are looked at, with all that is below them. */
  isOurs(name: string): boolean;
  /** The id of the user who should own everything; null where that is not looked at. */
  owner: number | null;
  /** Names of folders that are not looked into when they are closed themselves; by default every folder is. */
  closed?: readonly string[];
}

/** What is exposed of a folder: itself, and what is in it. Links are not followed; what goes meanwhile is passed over. */
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
  const isEntered = stats.isDirectory() || (mode & 0o100) !== 0;
  const wanted = isEntered ? 0o700 : 0o600;
  const foreign = owner !== null && stats.uid !== owner ? stats.uid : null;
  return (mode & ~wanted) !== 0 || foreign !== null ? { path, mode, wanted, foreign } : null;
}

/** Closes what is exposed; false where this user may not. */
export async function close({ path, wanted, foreign }: Exposed, owner: number | null): Promise<boolean> {
  try {
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
 * Makes a folder and what is ours in it reachable for its owner only, as far as this user may; answers what was closed.
 * Big folders that are closed themselves are not looked into: nobody else gets there.
 */
export async function closeFolder(folder: string, isOurs: (name: string) => boolean): Promise<string[]> {
  const closed: string[] = [];
  for (const exposed of await exposedIn(folder, { isOurs, owner: null, closed: BIG }))
    if (await close(exposed, null)) closed.push(exposed.path);
  return closed;
}

/** Folders with very many files, or very big ones. */
const BIG = ['journal', 'file-storage', 'shared-file-storage', 'volumes', 'export'];
