import { type Decision, explanationOf } from './decisions.ts';
import { episodeOf, type Recorded, type Step } from './step.ts';

/** A step that was answered differently, as the comparing program writes it. */
export interface Failed {
  id: string;
  request: string;
  differences: string[];
}

export interface Summary {
  requests: number;
  same: number;
  /** Steps all of whose differences a decision explains. */
  explained: { step: Step; by: Decision[] }[];
  /** Steps that follow an explained or unexplained difference in the same episode, whose cause that may be. */
  following: number;
  unexplained: { step: Step; differences: string[] }[];
}

/** Sorts what differs: by decisions, by what went before in the same episode, and the rest. */
export function summaryOf(recording: readonly Recorded[], failed: readonly Failed[]): Summary {
  const found = new Map(failed.map(({ id, differences }) => [id, differences]));
  const summary: Summary = {
    requests: recording.length,
    same: 0,
    explained: [],
    following: 0,
    unexplained: [],
  };
  const diverged = new Set<string>();
  for (const recorded of recording) {
    const { step } = recorded;
    const differences = found.get(step.id);
    if (differences === undefined) {
      summary.same += 1;
      continue;
    }
    const explanations = differences.map((difference) => explanationOf(recorded, difference));
    const open = differences.filter((_, index) => explanations[index] === null);
    const by = explanations.filter((decision) => decision !== null);
    if (open.length === 0) summary.explained.push({ step, by: [...new Set(by)] });
    else if (diverged.has(episodeOf(step.id))) summary.following += 1;
    else summary.unexplained.push({ step, differences: open });
    if (changesState(step)) diverged.add(episodeOf(step.id));
  }
  return summary;
}

/** Whether what comes after may depend on how the step ended. */
const changesState = (step: Step) => step.job === true || step.m !== 'GET';

/** The summary as lines for people; at most `most` differing steps are told in full. */
export function linesOf(summary: Summary, most: number): string[] {
  const counts = new Map<string, number>();
  for (const { by } of summary.explained) for (const { id } of by) counts.set(id, (counts.get(id) ?? 0) + 1);
  const told = summary.unexplained
    .slice(0, most)
    .flatMap(({ step, differences }) => [
      `${step.id}  ${step.m} ${step.p} ${step.b === undefined ? (step.raw ?? '') : JSON.stringify(step.b)}`,
      ...differences.map((difference) => `    ${difference}`),
    ]);
  return [
    ...told,
    ...(summary.unexplained.length > most ? [`… and ${summary.unexplained.length - most} more`] : []),
    ...[...counts].sort().map(([id, count]) => `explained by '${id}': ${count}`),
    `${summary.requests} requests: ${summary.same} the same, ${summary.explained.length} explained, ${summary.following} after a difference, ${summary.unexplained.length} unexplained`,
  ];
}
