import { resolve } from 'node:path';
import { type Layout, layoutOf, noCluster } from '../app/layout.ts';
import { isRestoring, restoreUnderWay } from '../app/restore-staging.ts';
import { exists } from '../base/files.ts';
import { checkStore, type StoreSummary } from '../store/sqlite/check/check.ts';
import { Findings, type Problem } from '../store/sqlite/check/problem.ts';
import { checkFiles, readSeal } from './files.ts';
import { mendModes } from './modes.ts';

/** What there is to say of a state folder. */
export interface StateReport extends StoreSummary {
  findings: Findings;
}

/**
 * Verifies a state folder, with a master running or not, and changes nothing.
 * @throws MerapiError configuration when it holds no cluster, unavailable when the store cannot be looked at
 */
export async function checkState(layout: Layout): Promise<StateReport> {
  if (await isRestoring(layout)) throw restoreUnderWay(layout);
  if (!(await exists(layout.database))) throw noCluster(layout);
  const findings = new Findings();
  const seal = await readSeal(layout, findings);
  const summary = await checkStore(layout.database, seal, findings);
  await checkFiles(layout, findings);
  return { ...summary, findings };
}

/** A problem in one line. */
export function problemLine({ about, text, advice }: Problem): string {
  return `${about}: ${text}; ${advice}`.replace(/\s*\n\s*/g, ' ');
}

/** The lines of all problems that were kept, and how many there are more. */
export function problemLines({ problems, total }: Findings): string[] {
  const more = total - problems.length;
  return [...problems.map(problemLine), ...(more > 0 ? [`and ${more} problems more`] : [])];
}

/** `merapi check`: tells the problems, one in a line, and mends who may reach the files; the process ends with 1 when there are any. */
export async function runCheck(dir: string, json: boolean): Promise<void> {
  const layout = layoutOf(resolve(dir));
  const { findings, ...summary } = await checkState(layout);
  const mended = await mendModes(layout, findings);
  const { problems, total } = findings;
  const told = json
    ? `${JSON.stringify({ dir: layout.dir, ...summary, total, problems, mended }, null, 2)}\n`
    : total > 0
      ? `${problemLines(findings).join('\n')}\n`
      : `No problem found: cluster ${summary.cluster}, ${counted(summary)}\n`;
  if (!json) for (const { path, text } of mended) process.stdout.write(`mended: ${path}: ${text}\n`);
  process.stdout.write(told);
  if (total > 0) process.exitCode = 1;
}

/** What a store holds, in words. */
export function counted({ nodes, instances, openJobs }: StoreSummary): string {
  return `nodes: ${nodes}, instances: ${instances}, jobs that have not ended: ${openJobs}`;
}
