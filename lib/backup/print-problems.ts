import { problemLines } from '../check/check.ts';
import type { Findings } from '../store/sqlite/check/problem.ts';

/** Writes the problems to standard error, one per line. */
export function printProblems(findings: Findings): void {
  for (const line of problemLines(findings)) process.stderr.write(`${line}\n`);
}
