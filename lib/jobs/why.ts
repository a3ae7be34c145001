// Explains why a job does not go on, for `GET /2/jobs/ID/why`. The order of the reasons in `text` is the order in which a job meets its
// obstacles: other jobs, job filters, locks, a slot.
import type { LockState } from '../locks/manager.ts';
import type { JobFilter } from '../model/filter.ts';
import { isFinal, type Job, type JobStatus } from '../model/job.ts';
import type { Durations } from './durations.ts';

/** A lock that a job waits for. */
interface LackedLock {
  level: string;
  name: string;
  mode: string;
  /** The jobs that hold it in a conflicting mode. */
  held_by: number[];
  /** The jobs before this one in its queue that want a conflicting mode. */
  after: number[];
}

/** Why a job waits, or that it does not. */
export interface Why {
  job: number;
  status: JobStatus;
  /** One sentence for people. */
  text: string;
  /** The opcode, by index, that waits or runs; null when the job has ended. */
  op: number | null;
  /** The unfinished jobs that it depends on, with their statuses. */
  depends: [number, JobStatus | null][];
  /** The job filter that keeps it from beginning; null when none does. */
  filter: { uuid: string; action: JobFilter['action'] } | null;
  locks: LackedLock[];
  /** When it waits for a slot: how many jobs wait for one before it, and how many run. */
  slot: { position: number; running: number; max_running_jobs: number } | null;
  /** The usual duration of its opcodes, and the time until it begins, in seconds; null where nothing is known. */
  estimate: { duration: number | null; until_start: number | null; samples: number };
}

/** The job and everything that may keep it from running, as explain() needs it. */
export interface Situation {
  job: Job;
  depends: [number, JobStatus | null][];
  filter: JobFilter | null;
  locks: readonly LockState[];
  slots: { waiting: readonly number[]; running: number; limit: number };
  durations: Durations;
  /** The unfinished jobs, by number. */
  others: ReadonlyMap<number, Pick<Job, 'ops'>>;
  /** Seconds since 1970. */
  now: number;
}

/** Explains why a job waits; a pure function. */
export function explain(situation: Situation): Why {
  const { job, slots } = situation;
  const { id, status } = job;
  const at = job.ops.findIndex((op) => !isFinal(op.status));
  const op = at < 0 ? null : at;
  const ended = isFinal(status);
  const depends = ended ? [] : situation.depends.filter(([, other]) => other !== null && !isFinal(other));
  const filter = ended || status !== 'queued' ? null : holding(situation.filter);
  const locks = op === null ? [] : lacked(`${id}/${op}`, situation.locks);
  const position = slots.waiting.indexOf(id);
  const slot = position < 0 ? null : { position, running: slots.running, max_running_jobs: slots.limit };
  const parts = { depends, filter, locks, slot };
  return {
    job: id,
    status,
    text: sentence(status, parts),
    op,
    ...parts,
    estimate: estimate(situation, parts),
  };
}

type Parts = Pick<Why, 'depends' | 'filter' | 'locks' | 'slot'>;

function holding(filter: JobFilter | null): Why['filter'] {
  if (!filter || filter.action === 'ACCEPT' || filter.action === 'CONTINUE') return null;
  return { uuid: filter.uuid, action: filter.action };
}

function lacked(owner: string, states: readonly LockState[]): LackedLock[] {
  return states.flatMap(({ level, name, owners, pending }) => {
    const position = pending.findIndex((each) => each.owner === owner);
    const wish = pending[position];
    if (!wish) return [];
    const conflicts = (mode: string) => mode === 'exclusive' || wish.mode === 'exclusive';
    const jobsOf = (users: readonly { owner: string; mode: string }[]) => [
      ...new Set(
        users
          .filter(({ mode, owner }) => conflicts(mode) && !owner.startsWith('duty/'))
          .map((each) => Number.parseInt(each.owner, 10)),
      ),
    ];
    return [
      { level, name, mode: wish.mode, held_by: jobsOf(owners), after: jobsOf(pending.slice(0, position)) },
    ];
  });
}

function sentence(status: JobStatus, { depends, filter, locks, slot }: Parts): string {
  if (isFinal(status)) return `It has ended: ${status}`;
  if (status === 'running') return 'It is running';
  if (status === 'canceling') return 'It is running, and stops before its next step';
  if (depends.length > 0) return `It waits for ${jobs(depends.map(([id]) => id))} to end`;
  if (filter) return `The job filter ${filter.uuid} (${String(filter.action)}) does not let it begin`;
  const [lock] = locks;
  if (lock) {
    const before = [...new Set([...lock.held_by, ...lock.after])];
    if (before.length === 0)
      return `It waits for the ${lock.mode} lock ${lock.level}/${lock.name}, which a duty of an earlier job holds`;
    const verb = before.length === 1 ? 'has' : 'have';
    return `It waits for the ${lock.mode} lock ${lock.level}/${lock.name}, which ${jobs(before)} ${verb} first`;
  }
  if (slot)
    return `It waits for a slot: ${slot.running} jobs are running, which is the limit, and ${slot.position} wait before it`;
  return 'It is about to begin';
}

function jobs(ids: readonly number[]): string {
  return `${ids.length === 1 ? 'job' : 'jobs'} ${ids.join(', ') || 'before it'}`;
}

/**
 * Estimates from the median durations of earlier opcodes of the same kind: the job's own time, and the time of the jobs that must end
 * before it, as if they ran one after the other.
 */
function estimate({ job, durations, others, now }: Situation, { depends, locks }: Parts): Why['estimate'] {
  const medians = job.ops.map(({ input }) => durations.median(input.OP_ID));
  const samples = Math.min(...medians.map((median) => median?.samples ?? 0));
  const duration = samples === 0 ? null : medians.reduce((sum, each) => sum + (each?.seconds ?? 0), 0);
  if (isFinal(job.status)) return { duration, until_start: null, samples };
  const before = new Set([
    ...depends.map(([id]) => id),
    ...locks.flatMap(({ held_by, after }) => [...held_by, ...after]),
  ]);
  let until: number | null = 0;
  for (const id of before) {
    const rest = remaining(others.get(id), durations, now);
    until = rest === null || until === null ? null : until + rest;
  }
  return { duration, until_start: job.status === 'running' ? 0 : until, samples };
}

function remaining(job: Pick<Job, 'ops'> | undefined, durations: Durations, now: number): number | null {
  if (!job) return 0;
  let seconds = 0;
  for (const { input, status, exec } of job.ops) {
    if (isFinal(status)) continue;
    const median = durations.median(input.OP_ID);
    if (!median) return null;
    seconds += Math.max(0, median.seconds - (exec === null ? 0 : Math.max(0, now - exec)));
  }
  return seconds;
}
