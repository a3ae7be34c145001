import { CommandFailed } from '../app/command-failed.ts';
import { layoutOf } from '../app/layout.ts';
import { checkState, type StateReport } from '../check/check.ts';
import { readArchive } from './archive.ts';
import { isOfBackup } from './contents.ts';
import { printProblems } from './print-problems.ts';

/**
 * Extracts a backup into a folder, checks the state in it and prints its problems.
 * @throws CommandFailed with the text of `refusal` when there are problems, unless `withProblems` is set
 * @throws MerapiError wrong_input when the file is not a backup or damaged
 */
export async function readVerified(
  source: string,
  folder: string,
  withProblems: boolean,
  refusal: string,
): Promise<StateReport> {
  await readArchive(source, folder, isOfBackup);
  const report = await checkState(layoutOf(folder));
  printProblems(report.findings);
  if (report.findings.total > 0 && !withProblems) throw new CommandFailed(refusal);
  return report;
}
