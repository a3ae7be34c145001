import type { Findings } from '../../store/sqlite/check/problem.ts';
import { problemLines } from '../check.ts';

/** Writes the problems to standard error, one in a line. */
export function tellProblems(findings: Findings): void {
  for (const line of problemLines(findings)) process.stderr.write(`${line}\n`);
}
