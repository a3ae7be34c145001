// `merapi check`: verifies a state folder. It changes nothing but permissions and owners of files (modes.ts).

import { resolve } from 'node:path';
import { type Layout, layoutOf, noCluster } from '../app/layout.ts';
import { isRestoring, restoreUnderWay } from '../app/restore-staging.ts';
import { exists } from '../base/files.ts';
import { checkStore, type StoreSummary } from '../store/sqlite/check/check.ts';
import { Findings, type Problem } from '../store/sqlite/check/problem.ts';
import { checkFiles, readSeal } from './files.ts';
import { correctModes } from './modes.ts';

/** The result of the check of a state folder. */
export interface StateReport extends StoreSummary {
  findings: Findings;
}

/**
 * Verifies a state folder and changes nothing. A master may be running.
 * @throws MerapiError configuration when there is no cluster in it, unavailable when the store cannot be read
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

/** A problem as one line of text. */
export function problemLine({ about, text, advice }: Problem): string {
  return `${about}: ${text}; ${advice}`.replace(/\s*\n\s*/g, ' ');
}

/** One line for each problem that was kept, and a last one with the number of those that were not. */
export function problemLines({ problems, total }: Findings): string[] {
  const more = total - problems.length;
  return [...problems.map(problemLine), ...(more > 0 ? [`and ${more} more problems`] : [])];
}

/**
 * `merapi check`: prints the problems, one per line or as JSON, and corrects permissions and owners of files. The exit code of the
 * process is 1 when there are problems.
 */
export async function runCheck(dir: string, json: boolean): Promise<void> {
  const layout = layoutOf(resolve(dir));
  const { findings, ...summary } = await checkState(layout);
  const mended = await correctModes(layout, findings);
  const { problems, total } = findings;
  const lines: string[] = [];
  if (json) lines.push(JSON.stringify({ dir: layout.dir, ...summary, total, problems, mended }, null, 2));
  else {
    for (const { path, text } of mended) lines.push(`corrected: ${path}: ${text}`);
    if (total > 0) lines.push(...problemLines(findings));
    else lines.push(`No problem found: cluster ${summary.cluster}, ${counted(summary)}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  if (total > 0) process.exitCode = 1;
}

/** The numbers of objects in a store, for messages. */
export function counted({ nodes, instances, openJobs }: StoreSummary): string {
  return `nodes: ${nodes}, instances: ${instances}, jobs that have not ended: ${openJobs}`;
}
