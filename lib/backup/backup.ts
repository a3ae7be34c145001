// `merapi backup`. The archive is made in a temporary folder beside its destination and verified there; only then it gets its name.

import { link, lstat, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Layout, layoutOf, noCluster } from '../app/layout.ts';
import { holdsState, isRestoring, restoreUnderWay } from '../app/restore-staging.ts';
import { STORE } from '../app/state-files.ts';
import { MerapiError } from '../base/errors.ts';
import { syncFolder } from '../base/files.ts';
import { counted, type StateReport } from '../check/check.ts';
import { copyStore } from '../store/sqlite/check/open.ts';
import { type Source, writeArchive } from './archive.ts';
import { filesOfBackup } from './contents.ts';
import { readVerified } from './verified.ts';

/** The options of `merapi backup`. */
export interface BackupCommand {
  /** The state folder. */
  dir: string;
  /** Whether an existing file may be replaced. */
  force: boolean;
  /** Whether a backup of a state with problems is kept. */
  withProblems: boolean;
}

/**
 * `merapi backup`: writes the present state into one file. A master may be running.
 * @throws MerapiError configuration, wrong_input, unavailable; CommandFailed when the state has problems
 */
export async function runBackup(file: string, command: BackupCommand): Promise<void> {
  const { dir, withProblems, force } = command;
  const layout = layoutOf(resolve(dir));
  if (!(await holdsState(layout))) throw noCluster(layout);
  if (await isRestoring(layout)) throw restoreUnderWay(layout);
  const target = resolve(file);
  await checkTarget(target, force);
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}.`)); // mode 0700
  try {
    const { report, size } = await makeBackup(layout, folder, withProblems);
    if (force) await rename(join(folder, 'backup'), target);
    else await nameNew(join(folder, 'backup'), target);
    await syncFolder(dirname(target));
    process.stdout.write(
      `The backup of cluster ${report.cluster} is in ${target} (${size} bytes; ${counted(report)})\n`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws MerapiError wrong_input when the path cannot be written, or exists and may not be replaced */
async function checkTarget(target: string, force: boolean): Promise<void> {
  const parent = await stat(dirname(target)).catch(() => null);
  if (!parent?.isDirectory())
    throw new MerapiError(
      'wrong_input',
      `There is no folder ${dirname(target)}; create it or use another one`,
    );
  const found = await lstat(target).catch(() => null);
  if (found && !found.isFile())
    throw new MerapiError('wrong_input', `${target} is not a file; give the path of a file for the backup`);
  if (found && !force) throw alreadyExists(target);
}

/** The error for a file that may not be replaced. */
function alreadyExists(target: string): MerapiError {
  return new MerapiError(
    'wrong_input',
    `${target} exists already; use another file, or replace it with --force`,
  );
}

/** Renames a file atomically to a name that must not exist. @throws MerapiError wrong_input when it exists */
async function nameNew(file: string, target: string): Promise<void> {
  try {
    await link(file, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyExists(target);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error;
    await rename(file, target); // on a file system without hard links this is not atomic
  }
}

/** Makes FOLDER/backup, then verifies it: extracts it again and checks the result as `merapi check` does. */
async function makeBackup(
  layout: Layout,
  folder: string,
  withProblems: boolean,
): Promise<{ report: StateReport; size: number }> {
  const store = join(folder, STORE);
  await copyStore(layout.database, store);
  const names = await filesOfBackup(layout);
  const sources = names.map(
    (name): Source => ({ name, path: name === STORE ? store : join(layout.dir, name) }),
  );
  const archive = join(folder, 'backup');
  await writeArchive(archive, sources, Math.floor(Date.now() / 1000));
  await rm(store);
  const report = await readVerified(
    archive,
    join(folder, 'again'),
    withProblems,
    'The state has problems, so no backup was kept; correct them, or keep a backup anyway with --with-problems',
  );
  return { report, size: (await stat(archive)).size };
}
