import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { exists, syncFolder } from '../base/files.ts';
import { authorityFiles } from './authorities.ts';
import type { Layout } from './layout.ts';
import { CERTIFICATES, stateFiles, storeCompanions } from './state-files.ts';

/*
 * How a restore replaces a whole state atomically, also across crashes:
 *
 * | step   | what happens                                            | after a crash                        |
 * | ------ | ------------------------------------------------------- | ------------------------------------ |
 * | stage  | the new files are written to DIR/restore.tmp/new        | the old state is valid               |
 * | commit | DIR/restore.tmp is renamed to DIR/restoring             | from here on, the restore is finished |
 * | finish | old files are moved to restoring/old                    | repeated                             |
 * |        | restoring/new is renamed to restoring/placing           | repeated                             |
 * |        | the files in it are moved to their places in DIR        | repeated                             |
 * |        | restoring/old is renamed to DIR/before-restore-TIME     | repeated                             |
 *
 * Each step of "finish" can be repeated. The rename to `placing` marks that no old file is left in DIR: a file found there afterwards is
 * a new one.
 */
const STAGING = 'restore.tmp';
const RESTORING = 'restoring';

/** Makes an empty folder for the new files and returns its path; files that an interrupted restore has left there are removed. */
export async function stageRestore(layout: Layout): Promise<string> {
  const folder = join(layout.dir, STAGING);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'new'), { recursive: true, mode: 0o700 });
  return join(folder, 'new');
}

/** Removes the staged files. */
export async function discardStaged(layout: Layout): Promise<void> {
  await rm(join(layout.dir, STAGING), { recursive: true, force: true });
}

/** Whether a restore was committed and has not been finished. */
export function isRestoring(layout: Layout): Promise<boolean> {
  return exists(join(layout.dir, RESTORING));
}

/** The error for a folder whose state cannot be read because a restore has not been finished. */
export function restoreUnderWay({ dir }: Layout): MerapiError {
  return new MerapiError(
    'unavailable',
    `A restore into ${dir} was interrupted; start the master or repeat merapi restore to finish it`,
  );
}

/** Whether a folder contains a cluster, or will when the restore into it is finished. */
export async function holdsState(layout: Layout): Promise<boolean> {
  return (await exists(layout.database)) || (await isRestoring(layout));
}

/** Makes the staged files, which must be durable, the new state. From here on the restore cannot be undone, only finished. */
export async function commitRestore(layout: Layout): Promise<void> {
  await syncFolder(join(layout.dir, STAGING));
  await rename(join(layout.dir, STAGING), join(layout.dir, RESTORING));
  await syncFolder(layout.dir);
}

/**
 * Finishes a committed restore, if there is one. The caller must hold the folder's lock, and must not have opened any file of the state.
 * Returns the folder with the old files; null when there were none.
 */
export async function finishRestore(layout: Layout): Promise<string | null> {
  if (!(await isRestoring(layout))) return null;
  const folder = join(layout.dir, RESTORING);
  const fresh = join(folder, 'new');
  const placing = join(folder, 'placing');
  const old = join(folder, 'old');
  if (await exists(fresh)) {
    const authorities = (await authorityFiles(layout.certificates)).map((name) => `${CERTIFICATES}/${name}`);
    const all = new Set([...storeCompanions, ...stateFiles, ...authorities, ...(await filesIn(fresh))]);
    for (const name of all) await move(layout.dir, old, name);
    await rename(fresh, placing);
    await syncFolder(folder);
  }
  for (const name of await filesIn(placing)) await move(placing, layout.dir, name);
  await rm(placing, { recursive: true, force: true });
  return endRestore(layout, folder, old);
}

async function endRestore(layout: Layout, folder: string, old: string): Promise<string | null> {
  let kept: string | null = null;
  if (await exists(old)) {
    const time = new Date().toISOString().replace(/[:.]/g, '-');
    kept = join(layout.dir, `before-restore-${time}`);
    await rename(old, kept);
  }
  await rm(folder, { recursive: true, force: true });
  await syncFolder(layout.dir);
  return kept;
}

/** Moves a file from one folder to the same name in another, durably; does nothing when it does not exist. */
async function move(from: string, to: string, name: string): Promise<void> {
  const [before, after] = [join(from, name), join(to, name)];
  if (!(await exists(before))) return;
  await mkdir(dirname(after), { recursive: true, mode: 0o700 });
  await rename(before, after);
  await syncFolder(dirname(after));
  await syncFolder(dirname(before));
}

/** The files in a folder and in those below it, relative to it. */
async function filesIn(folder: string): Promise<string[]> {
  if (!(await exists(folder))) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
