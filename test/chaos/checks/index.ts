import type { EndState, StoredJobRow } from '../state.ts';
import { clusterChecks } from './cluster.ts';
import { modelChecks } from './expected.ts';
import type { Check, Finding } from './finding.ts';
import { jobChecks } from './jobs.ts';
import { nodeChecks } from './nodes.ts';

/** A finding that nothing explains, with the jobs that touched what it is about. */
export interface Violation {
  check: string;
  text: string;
  jobs: { id: number; ops: string[]; status: string; result: unknown; log: string[] }[];
}

/** What the checks came to. */
export interface CheckReport {
  violations: Violation[];
  /** Findings that a failed job explains: disks that have grown and cannot shrink again. */
  excused: string[];
}

const duties: Check = {
  name: 'nothing is left to be done, once all nodes are back',
  find: (state) => state.duties.map((text) => ({ text: `There is a duty: ${text}`, subjects: [] })),
};

const programs: Check = {
  name: 'no program ends by itself, and another life changes nothing',
  find: ({ ownEnds, differences }) => [
    ...ownEnds.map(({ name, stderr }) => ({
      text: `${name} ended by itself: ${stderr.slice(-400)}`,
      subjects: [],
    })),
    ...differences.map((text) => ({ text: `After another life: ${text}`, subjects: [] })),
  ],
};

/** Everything that must be true at the end. */
export const checks: readonly Check[] = [
  ...jobChecks,
  ...clusterChecks,
  ...modelChecks,
  ...nodeChecks,
  duties,
  programs,
];

/** Seconds by which the time of a file may differ from that of its job. */
const NEAR = 2;

export function checkAll(state: EndState): CheckReport {
  const report: CheckReport = { violations: [], excused: [] };
  for (const { name, find } of checks)
    for (const finding of find(state)) {
      const jobs = jobsOf(state, finding);
      const reason = finding.excuse ? jobs.find((job) => explains(job, finding)) : undefined;
      if (reason) report.excused.push(`${finding.text} (job ${reason.id})`);
      else report.violations.push({ check: name, text: finding.text, jobs: jobs.map(told) });
    }
  return report;
}

/** The jobs that touched what a finding is about. */
function jobsOf({ jobs }: EndState, finding: Finding): StoredJobRow[] {
  const { subjects, since, isNameless } = finding;
  return jobs.filter((job) => {
    if (finding.jobs?.includes(job.id)) return true;
    const text = JSON.stringify(job.ops);
    if (subjects.some((subject) => text.includes(subject))) return true;
    const { start, end } = job;
    return isNameless && since !== undefined && job.status === 'error' && start !== null && end !== null
      ? since >= start - NEAR && since <= end + NEAR
      : false;
  });
}

function explains({ ops, end }: StoredJobRow, { excuse, since = 0 }: Finding): boolean {
  if (end !== null && end < since - NEAR) return false;
  return ops.some(
    (op) => op.status !== 'success' && op.exec !== null && excuse?.failed.includes(op.input.OP_ID),
  );
}

function told({ id, status, ops, shown }: StoredJobRow): Violation['jobs'][number] {
  return {
    id,
    status,
    ops: ops.map(({ input }) => input.OP_ID),
    result: shown?.opresult ?? ops.map(({ result }) => result),
    log: ops.flatMap(({ log }) => log),
  };
}
