/** One request of a scenario, in the form that test/conformance/rapi_conformance.py reads. */
export interface Step {
  id: string;
  /** Method and path with arguments. */
  m: string;
  p: string;
  /** The body as JSON, or as a text that is sent as it stands. */
  b?: unknown;
  raw?: string;
  /** User and password; null sends none. Without it the administrator asks. */
  auth?: [string, string] | null;
  h?: Record<string, string>;
  /** The answer is the number of a job whose end counts as well. */
  job?: true;
  /** The answer is kept under this name, for {NAME} in later paths and bodies. */
  set?: string;
}

/** A step with what Ganeti answered. */
export interface Recorded {
  step: Step;
  answer: { status?: number; body?: unknown; jobend?: { status: string; opresult: unknown } | null };
}

/** A step without its id, which the episode gives. */
export type Draft = Omit<Step, 'id'>;

/**
 * Steps that belong together: they begin and end with the cluster as it was, so that a difference in one episode says nothing
 * about the next.
 */
export interface Episode {
  name: string;
  steps: Draft[];
  /** What brings the cluster back. Its answers are compared too, unless a step before differed. */
  cleanup: Draft[];
}

/** Episodes as one scenario, each step with an id of the form KIND/EPISODE.STEP. */
export function scenarioOf(episodes: readonly Episode[]): Step[] {
  return episodes.flatMap(({ name, steps, cleanup }, number) =>
    [...steps, ...cleanup].map((step, index) => ({ id: `${name}/${number}.${index + 1}`, ...step })),
  );
}

/** The part of a step's id that all steps of its episode share. */
export function episodeOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'));
}

/** The steps in parts of whole episodes, each of at least so many steps but the last. */
export function partsOf(steps: readonly Step[], least: number): Step[][] {
  const parts: Step[][] = [];
  for (const [index, step] of steps.entries()) {
    const part = parts.at(-1);
    const begins = episodeOf(step.id) !== episodeOf(steps[index - 1]?.id ?? '');
    if (part === undefined || (begins && part.length >= least)) parts.push([step]);
    else part.push(step);
  }
  return parts;
}
