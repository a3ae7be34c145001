import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { exists, syncFolder } from '../base/files.ts';
import { authorityFiles } from './authorities.ts';
import type { Layout } from './layout.ts';
import { CERTIFICATES, stateFiles, storeCompanions } from './state-files.ts';

/**
 * How a restore puts a whole state into a folder, whatever happens on the way: the new files gather in DIR/restore.tmp/new; its
 * renaming to DIR/restoring decides. From then on the restore is only ever finished: the old files go to restoring/old,
 * `new` is renamed to `placing`, and its files go to their places. Each step can be repeated.
 */
const GATHERING = 'restore.tmp';
const RESTORING = 'restoring';

/** An empty folder to gather the new files in; what a restore that was broken off has left there goes. */
export async function gather(layout: Layout): Promise<string> {
  const folder = join(layout.dir, GATHERING);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'new'), { recursive: true, mode: 0o700 });
  return join(folder, 'new');
}

/** Gives up what was gathered. */
export async function forget(layout: Layout): Promise<void> {
  await rm(join(layout.dir, GATHERING), { recursive: true, force: true });
}

/** Whether a restore was decided and has not ended. */
export function isRestoring(layout: Layout): Promise<boolean> {
  return exists(join(layout.dir, RESTORING));
}

/** Says that nothing can be told of the folder now. */
export function restoreUnderWay({ dir }: Layout): MerapiError {
  return new MerapiError(
    'unavailable',
    `A restore into ${dir} has not ended; start the master, or repeat merapi restore: that ends it`,
  );
}

/** Whether a folder holds a cluster, or will when the restore into it has been finished. */
export async function holdsState(layout: Layout): Promise<boolean> {
  return (await exists(layout.database)) || (await isRestoring(layout));
}

/** Decides that the gathered files, which must be durable, are the state from now on. */
export async function decide(layout: Layout): Promise<void> {
  await syncFolder(join(layout.dir, GATHERING));
  await rename(join(layout.dir, GATHERING), join(layout.dir, RESTORING));
  await syncFolder(layout.dir);
}

/**
 * Finishes a restore that was decided, if there is one. To be called by who holds the folder's lock, before anything of the
 * state is opened. Answers the folder that has the old files; null when there were none.
 */
export async function finishRestore(layout: Layout): Promise<string | null> {
  if (!(await isRestoring(layout))) return null;
  const folder = join(layout.dir, RESTORING);
  const [fresh, placing, old] = ['new', 'placing', 'old'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
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

/** Moves a file of one folder to the same name in another, if it is there. */
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
