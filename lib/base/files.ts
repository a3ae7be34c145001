// Durable writes: what these functions have written survives a crash of the machine.

import { randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How much of a file's name its temporary name contains: a name may have 255 bytes. */
const LONGEST_STEM = 200;
/** The suffix of temporary files that writeFileDurably() makes. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

/**
 * Replaces a file atomically and durably: after any crash it has either its old or its new text, complete. Creates the folder (mode
 * 0700) when it is missing; `mode` is the file's permission bits, by default for its owner only.
 */
export async function writeFileDurably(path: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const stem = basename(path).slice(0, LONGEST_STEM);
  const temporary = join(dirname(path), `${stem}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Removes the temporary files that writeFileDurably() left in a folder when its process was killed. Call it only when no process
 * writes there. Does nothing when the folder does not exist.
 */
export async function removeInterruptedWrites(folder: string): Promise<void> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const entry of entries)
    if (entry.isFile() && TEMPORARY.test(entry.name)) await rm(join(folder, entry.name), { force: true });
}

/** Whether a path exists and can be reached. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Makes the entries of a folder (creations, renames, removals) durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The text of a file, or null when there is none. */
export async function readFileOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
