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

export interface BackupCommand {
  dir: string;
  /** Whether it may take the place of a file that is there. */
  force: boolean;
  /** Whether a backup of a state with problems is kept. */
  withProblems: boolean;
}

/** `merapi backup`: writes the state of this moment into one file, while a master may go on working. */
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

/** @throws MerapiError wrong_input when the backup cannot be there, or something that is not to be replaced is */
async function checkTarget(target: string, force: boolean): Promise<void> {
  const parent = await stat(dirname(target)).catch(() => null);
  if (!parent?.isDirectory())
    throw new MerapiError('wrong_input', `There is no folder ${dirname(target)}; make it, or name another`);
  const found = await lstat(target).catch(() => null);
  if (found && !found.isFile())
    throw new MerapiError('wrong_input', `${target} is not a file; say in which file the backup is to be`);
  if (found && !force) throw isThere(target);
}

function isThere(target: string): MerapiError {
  return new MerapiError(
    'wrong_input',
    `${target} is there already; name another file, or put the backup in its place with --force`,
  );
}

/** Gives a file a name that nothing has, not even since a moment. */
async function nameNew(file: string, target: string): Promise<void> {
  try {
    await link(file, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw isThere(target);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error;
    await rename(file, target); // a file system without links
  }
}

/** Makes FOLDER/backup and verifies it: what was written is read again, and looked at as `merapi check` does. */
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
    'The state has problems, so no backup was kept; put them right, or keep one all the same with --with-problems',
  );
  return { report, size: (await stat(archive)).size };
}
