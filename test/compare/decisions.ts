import type { Step } from './step.ts';

/** A difference from Ganeti that is meant, and how it is recognised. */
export interface Decision {
  /** A short name; docs/compatibility.md names it too. */
  id: string;
  why: string;
  /** Whether it explains one line of the comparing program about a step. */
  explains(step: Step, difference: string): boolean;
}

const says =
  (pattern: RegExp) =>
  (_: Step, difference: string): boolean =>
    pattern.test(difference);

/** What is meant to differ. Everything else that differs is a fault of Merapi, or a decision still to be made. */
export const decisions: readonly Decision[] = [
  {
    id: 'job-ids',
    why: 'Both clusters number their own jobs, and one has had more of them.',
    explains: (step, difference) =>
      says(/^body\.id: \d+, reference \d+$|Job \d+ .*, reference .*Job \d+ /)(step, difference) &&
      step.p.startsWith('/2/jobs/'),
  },
];

/** The decision that explains a difference; null when there is none. */
export function explanationOf(step: Step, difference: string): Decision | null {
  return decisions.find((decision) => decision.explains(step, difference)) ?? null;
}
