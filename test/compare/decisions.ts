import type { Recorded } from './step.ts';

/** A difference from Ganeti that is meant, and how it is recognised. */
export interface Decision {
  /** A short name; docs/compatibility.md names it too. */
  id: string;
  why: string;
  /** Whether it explains one line of the comparing program about a step that Ganeti answered so. */
  explains(recorded: Recorded, difference: string): boolean;
}

/** What is meant to differ. Everything else that differs is a fault of Merapi, or a decision still to be made. */
export const decisions: readonly Decision[] = [
  {
    id: 'job-ids',
    why: 'Both clusters number their own jobs, and one has had more of them.',
    explains: ({ step }, difference) =>
      (step.p.startsWith('/2/jobs/') &&
        /^body\.id: \d+, reference \d+$|Job \d+ .*, reference .*Job \d+ /.test(difference)) ||
      /depends\[\d+\]\[0\]: \d+, reference \d+$/.test(difference),
  },
  {
    id: 'node-several-roles',
    why: 'A node may be made capable of several things in one request; Ganeti wants one request for each.',
    explains: ({ step, answer }, difference) =>
      step.p.includes('/modify') &&
      /^job\./.test(difference) &&
      /more than one state at the same time/.test(JSON.stringify(answer.jobend?.opresult ?? '')),
  },
  {
    id: 'reserved-addresses',
    why: 'The gateway, the first and the last address of a network stay reserved; Ganeti frees them when asked to.',
    explains: ({ step }, difference) =>
      /^PUT .*networks.*modify/.test(`${step.m} ${step.p}`) &&
      /remove_reserved_ips/.test(JSON.stringify(step.b)) &&
      /^job\.(status|opstatus)|is the gateway, or the first or last/.test(difference),
  },
  {
    id: 'dry-run',
    why: 'A dry run is one wherever it is asked for; Ganeti does not know the argument in some places and does the thing.',
    explains: ({ step, answer }, difference) =>
      /[?&]dry-run=1/.test(step.p) &&
      !JSON.stringify(answer.jobend ?? '').includes('"dry_run": true') &&
      /dry_run: not in the reference/.test(difference),
  },
  {
    id: 'private-values',
    why: 'A private value is shown as <redacted>, whatever its type.',
    explains: (_, difference) =>
      /osparams_(private|secret)\.\S+: string "<redacted>", reference/.test(difference),
  },
];

/** The decision that explains a difference; null when there is none. */
export function explanationOf(recorded: Recorded, difference: string): Decision | null {
  return decisions.find((decision) => decision.explains(recorded, difference)) ?? null;
}
