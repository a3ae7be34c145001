import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import { copyStore } from '../../store/check/open.ts';
import { counted, type StateReport } from '../check.ts';
import { type Layout, layoutOf } from '../layout.ts';
import { noCluster } from '../master.ts';
import { type Source, writeArchive } from './archive.ts';
import { filesOfBackup, STORE } from './contents.ts';
import { holdsState, isRestoring, restoreUnderWay } from './place.ts';
import { readVerified } from './verified.ts';

/** `merapi backup`: writes the state of this moment into one file, while a master may go on working. */
export async function runBackup(file: string, dir: string, withProblems: boolean): Promise<void> {
  const layout = layoutOf(resolve(dir));
  if (!(await holdsState(layout))) throw noCluster(layout);
  if (await isRestoring(layout)) throw restoreUnderWay(layout);
  const target = resolve(file);
  if (
    await stat(target).then(
      (found) => !found.isFile(),
      () => false,
    )
  )
    throw new MerapiError('wrong_input', `${target} is not a file; say in which file the backup is to be`);
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}.`)); // mode 0700
  try {
    const { report, size } = await makeBackup(layout, folder, withProblems);
    await rename(join(folder, 'backup'), target);
    await syncFolder(dirname(target));
    process.stdout.write(
      `The backup of cluster ${report.cluster} is in ${target} (${size} bytes; ${counted(report)})\n`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
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
