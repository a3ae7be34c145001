// `merapi restore`. Files are staged and verified first (app/restore-staging.ts); a crash at any moment leaves the old state or leads to
// the new one.

import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { claim } from '../app/claim.ts';
import { type Layout, layoutOf } from '../app/layout.ts';
import { commitRestore, discardStaged, finishRestore, stageRestore } from '../app/restore-staging.ts';
import { MerapiError } from '../base/errors.ts';
import { exists } from '../base/files.ts';
import { counted, type StateReport } from '../check/check.ts';
import { readVerified } from './verified.ts';

/** The options of `merapi restore`. */
export interface RestoreCommand {
  /** The state folder. */
  dir: string;
  /** Whether an existing cluster may be replaced. */
  force: boolean;
  /** Whether a backup with problems is restored. */
  withProblems: boolean;
}

/**
 * `merapi restore`: restores the state in a backup to a folder, completely or not at all. No master may be running there. A replaced
 * state is kept in a folder beside.
 * @throws MerapiError wrong_state, wrong_input, configuration; CommandFailed when the backup has problems
 */
export async function runRestore(file: string, command: RestoreCommand): Promise<void> {
  const layout = layoutOf(resolve(command.dir));
  const source = resolve(file);
  const made = await mkdir(layout.dir, { recursive: true, mode: 0o700 });
  let isDone = false;
  try {
    const lock = await claim(layout);
    try {
      await finishRestore(layout);
      if ((await exists(layout.database)) && !command.force)
        throw new MerapiError(
          'wrong_state',
          `${layout.dir} contains a cluster; --force replaces it with the backup and keeps it in another folder`,
        );
      const report = await readBackup(layout, source, command.withProblems);
      await commitRestore(layout);
      isDone = true;
      printResult(layout, report, await finishRestore(layout));
    } finally {
      await lock.release();
    }
  } finally {
    if (made !== undefined && !isDone) await rm(made, { recursive: true, force: true });
  }
}

/** Stages the files of the backup and verifies them; when that fails, the staged files are removed. */
async function readBackup(layout: Layout, source: string, withProblems: boolean): Promise<StateReport> {
  const folder = await stageRestore(layout);
  try {
    return await readVerified(
      source,
      folder,
      withProblems,
      'The state in the backup has problems, so nothing was restored; --with-problems restores it anyway',
    );
  } catch (error) {
    await discardStaged(layout);
    throw error;
  }
}

/** `old` is the folder with the replaced state; null when there was none. */
function printResult(layout: Layout, report: StateReport, old: string | null): void {
  const lines = [
    `The cluster ${report.cluster} is restored in ${layout.dir} (${counted(report)})`,
    ...(old ? [`The state that was there before is in ${old}`] : []),
    'The master does not know what happened after the backup: instances that were created since then are unknown guests to it,',
    'removed ones are shown as down, and jobs that had not ended continue when the master starts.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
