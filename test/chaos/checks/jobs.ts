import type { Note, StoredJobRow } from '../state.ts';
import { type Check, type Finding, isSame } from './finding.ts';

const FINAL = ['success', 'error', 'canceled'];

/** The key of the request that a job comes from; null of one that nobody asked for. */
function keyOf({ ops }: StoredJobRow): string | null {
  const trail = (ops[0]?.input.reason ?? []) as [string, string, number][];
  return trail.find(([source]) => source === 'gnt:user')?.[1] ?? null;
}

/** The jobs that other jobs have left behind, as their results tell. */
function followers(jobs: readonly StoredJobRow[]): Set<number> {
  const results = jobs.flatMap(({ ops }) =>
    ops.map(({ result }) => result as { jobs?: [boolean, number][] } | null),
  );
  return new Set(results.flatMap((result) => (result?.jobs ?? []).map(([, id]) => id)));
}

const about = (job: StoredJobRow, text: string): Finding => ({
  text: `Job ${job.id} ${text}`,
  subjects: [],
  jobs: [job.id],
});

const acknowledged: Check = {
  name: 'every acknowledged job is there and is what was asked for',
  find: ({ notes, jobs }) =>
    notes.flatMap((note): Finding[] => {
      const { outcome, key } = note;
      if (outcome.kind !== 'acknowledged') return [];
      const job = jobs.find(({ id }) => id === outcome.id);
      if (!job) return [{ text: `Job ${outcome.id}, told for ${key}, is lost`, subjects: [] }];
      if (keyOf(job) !== key) return [about(job, `was told for ${key}; it is of ${keyOf(job)}`)];
      return wrongValues(note, job).map((text) => about(job, text));
    }),
};

function wrongValues({ ops, values }: Note, job: StoredJobRow): string[] {
  const found = job.ops.map(({ input }) => input.OP_ID);
  if (!isSame(found, ops)) return [`does ${found.join(', ')} instead of ${ops.join(', ')}`];
  return job.ops.flatMap(({ input }) =>
    Object.entries(values)
      .filter(([name, value]) => !isSame(input[name], value))
      .map(
        ([name, value]) =>
          `has ${name} ${JSON.stringify(input[name])}; ${JSON.stringify(value)} was asked for`,
      ),
  );
}

const asked: Check = {
  name: 'every job was asked for, once',
  find: ({ notes, jobs, setupJobs }) => {
    const outcomes = new Map(notes.map(({ key, outcome }) => [key, outcome.kind]));
    const first = new Map<string, number>();
    const left = followers(jobs);
    return jobs.flatMap((job): Finding[] => {
      if (job.id <= setupJobs || left.has(job.id)) return [];
      const key = keyOf(job);
      const outcome = key === null ? undefined : outcomes.get(key);
      if (key === null || outcome === undefined) return [about(job, 'is one that nobody asked for')];
      const earlier = first.get(key);
      first.set(key, job.id);
      if (earlier !== undefined) return [about(job, `comes from ${key} as job ${earlier} does`)];
      return outcome === 'refused' ? [about(job, `comes from ${key}, which was refused`)] : [];
    });
  },
};

const ended: Check = {
  name: 'every job has ended, in one way',
  find: ({ jobs }) => jobs.flatMap((job) => wrongEnd(job).map((text) => about(job, text))),
};

function wrongEnd(job: StoredJobRow): string[] {
  if (!FINAL.includes(job.status)) return [`has not ended: it is ${job.status}`];
  const statuses = job.ops.map(({ status }) => status);
  const done = statuses.findIndex((status) => status !== 'success');
  const begun = done === -1 ? statuses.length : done;
  const wanted = statuses.map((_, index) => (index < begun ? 'success' : job.status));
  const isWhole = job.status === 'success' ? begun === statuses.length : begun < statuses.length;
  const wrong: string[] = [];
  if (!isWhole || !isSame(statuses, wanted))
    wrong.push(`is ${job.status}; its opcodes are ${statuses.join(', ')}`);
  if (job.end === null || job.ops.some(({ end }) => end === null)) wrong.push('has ended at no time');
  else if (job.ops.some(({ start, exec, end }) => !isOrdered([job.received, start, exec, end])))
    wrong.push('did not begin before it ended');
  return wrong;
}

function isOrdered(times: readonly (number | null)[]): boolean {
  const known = times.filter((time) => time !== null);
  return known.every((time, index) => index === 0 || time >= (known[index - 1] as number));
}

const once: Check = {
  name: 'a job that has ended stays as it is',
  find: ({ notes, jobs }) =>
    notes.flatMap(({ outcome, seen }): Finding[] => {
      if (outcome.kind !== 'acknowledged' || !seen) return [];
      const job = jobs.find(({ id }) => id === outcome.id);
      if (!job?.shown) return [];
      const now = { status: job.shown.status, opresult: job.shown.opresult };
      return isSame(now, seen)
        ? []
        : [about(job, `was seen as ${JSON.stringify(seen)}; now it is ${JSON.stringify(now)}`)];
    }),
};

const shown: Check = {
  name: 'the API tells of jobs what is stored',
  find: ({ jobs }) =>
    jobs.flatMap((job): Finding[] => {
      if (!job.shown) return [about(job, 'is stored, but the API does not know it')];
      const { status, opstatus } = job.shown;
      const stored = job.ops.map((op) => op.status);
      return status === job.status && isSame(opstatus, stored)
        ? []
        : [about(job, `is shown as ${status} (${opstatus.join(', ')}) and stored as ${job.status}`)];
    }),
};

const cancelled: Check = {
  name: 'cancelled jobs are those for which that was asked',
  find: ({ cancels, jobs }) =>
    jobs.flatMap((job): Finding[] => {
      const answers = cancels.filter((cancel) => cancel.job === job.id).map(({ isCanceled }) => isCanceled);
      if (job.status === 'canceled')
        return answers.some((answer) => answer !== false)
          ? []
          : [about(job, 'is cancelled; nobody wanted that')];
      return answers.includes(true) ? [about(job, `was told to be cancelled; it is ${job.status}`)] : [];
    }),
};

const clean: Check = {
  name: 'jobs that have ended hold nothing',
  find: ({ jobs, steps, secrets, shown: { locks } }) => [
    ...jobs.flatMap((job) => [
      ...(job.ops.some((op) => op.locks !== null) ? [about(job, 'still has locks stored')] : []),
      ...(job.ops.some((op) => op.undo !== null) ? [about(job, 'still undoes something')] : []),
      ...(steps.includes(job.id) ? [about(job, 'still has steps in the journal')] : []),
      ...(secrets.includes(job.id) ? [about(job, 'still has secrets')] : []),
    ]),
    ...locks
      .filter(({ owner, pending }) => (owner?.length ?? 0) + (pending?.length ?? 0) > 0)
      .map(({ name, owner }) => ({ text: `Lock ${name} is held or wanted (${owner})`, subjects: [] })),
  ],
};

/** What must be true of jobs. */
export const jobChecks: readonly Check[] = [acknowledged, asked, ended, once, shown, cancelled, clean];
