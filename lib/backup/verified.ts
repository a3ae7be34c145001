import { CommandFailed } from '../app/command-failed.ts';
import { layoutOf } from '../app/layout.ts';
import { checkState, type StateReport } from '../check/check.ts';
import { readArchive } from './archive.ts';
import { isOfBackup } from './contents.ts';
import { printProblems } from './print-problems.ts';

/**
 * Reads a backup into a folder and verifies the state that it holds; tells its problems.
 * @throws CommandFailed with the words of `refusal` when there are problems and they are not borne `withProblems`
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
