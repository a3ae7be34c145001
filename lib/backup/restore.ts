import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { claim } from '../app/claim.ts';
import { type Layout, layoutOf } from '../app/layout.ts';
import { decide, finishRestore, forget, gather } from '../app/restore-staging.ts';
import { MerapiError } from '../base/errors.ts';
import { exists } from '../base/files.ts';
import { counted, type StateReport } from '../check/check.ts';
import { readVerified } from './verified.ts';

export interface RestoreCommand {
  dir: string;
  /** Whether it may take the place of a cluster. */
  force: boolean;
  /** Whether a backup with problems is put there all the same. */
  withProblems: boolean;
}

/** `merapi restore`: puts the state of a backup into a folder: all of it, or nothing. */
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
          `${layout.dir} holds a cluster; --force puts the backup in its place and keeps it beside`,
        );
      const report = await readBackup(layout, source, command.withProblems);
      await decide(layout);
      isDone = true;
      tell(layout, report, await finishRestore(layout));
    } finally {
      await lock.release();
    }
  } finally {
    if (made !== undefined && !isDone) await rm(made, { recursive: true, force: true });
  }
}

/** Gathers the files of the backup and verifies them; nothing is left of one that is not right. */
async function readBackup(layout: Layout, source: string, withProblems: boolean): Promise<StateReport> {
  const folder = await gather(layout);
  try {
    return await readVerified(
      source,
      folder,
      withProblems,
      'The state in the backup has problems, so nothing was restored; --with-problems restores it all the same',
    );
  } catch (error) {
    await forget(layout);
    throw error;
  }
}

function tell(layout: Layout, report: StateReport, old: string | null): void {
  const lines = [
    `The cluster ${report.cluster} is restored in ${layout.dir} (${counted(report)})`,
    ...(old ? [`The state that was there before is in ${old}`] : []),
    'The master knows nothing of what happened after the backup: instances that were made since are guests that it does not know,',
    'removed ones are shown as down, and jobs that had not ended go on when the master starts.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
