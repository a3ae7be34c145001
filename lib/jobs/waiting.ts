import { MerapiError } from '../base/errors.ts';
import type { Grant, LockManager } from '../locks/manager.ts';
import type { JobStatus, OpInput } from '../model/job.ts';
import type { LockPlan } from '../model/locks.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { JobStore } from '../store/define.ts';
import type { Slots } from './slots.ts';

/** Waits for the end of a job, and returns its final status; null when there is no such job. @throws the signal's reason */
export type EndOf = (job: number, signal: AbortSignal) => Promise<JobStatus | null>;

/** The jobs that an opcode depends on, with the statuses that are accepted. */
export function dependsOf(op: OpInput): [number, JobStatus[]][] {
  return (op.depends as [number, JobStatus[]][] | null) ?? [];
}

/** Waits for the jobs that an opcode depends on. @throws MerapiError execution when one is missing or ended in another status */
export async function dependenciesEnded(op: OpInput, endOf: EndOf, signal: AbortSignal): Promise<void> {
  for (const [job, accepted] of dependsOf(op)) {
    const status = await endOf(job, signal);
    if (status === null)
      throw new MerapiError('execution', `Job ${job}, which this one depends on, does not exist`);
    if (accepted.length > 0 && !accepted.includes(status))
      throw new MerapiError(
        'execution',
        `Job ${job}, which this one depends on, ended in ${status}; accepted is ${accepted.join(' or ')}`,
      );
  }
}

/** An opcode that wants to run; of equal priorities the lower job number goes first. */
interface Claimant {
  owner: string;
  job: number;
  /** The job's: that of its most urgent opcode. */
  priority: number;
  signal: AbortSignal;
  /** Called when the locks are granted, also after they were revoked: from then on the opcode waits for a slot only. */
  onGrant(): void;
}

type Parts = { locks: LockManager; store: Pick<JobStore, 'pending'> };

/**
 * Waits until an opcode has its locks and a slot. Until it has both, its locks are provisional: they are revoked when a more urgent
 * owner wants one, and the wait starts again. So a job waits for less urgent ones only where these run already.
 * @returns the confirmed grant of the locks; the slot is taken
 * @throws the signal's reason
 */
export async function acquireLocksAndSlot(
  op: OpInput,
  parts: Parts,
  slots: Slots,
  claimant: Claimant,
): Promise<Grant> {
  const { job, priority, signal } = claimant;
  for (;;) {
    let revoked: AbortController | null = null;
    const grant = await lockFor(op, parts, claimant, () => revoked?.abort());
    try {
      if (!slots.tryTake(job)) {
        revoked = new AbortController();
        await slots.take(job, priority, AbortSignal.any([signal, revoked.signal]));
      }
      if (!signal.aborted && grant.confirm()) return grant;
      slots.leave(job);
      signal.throwIfAborted();
    } catch (error) {
      grant.release();
      if (signal.aborted || !revoked?.signal.aborted) throw error;
    }
  }
}

/**
 * Acquires the locks of an opcode. The plan depends on the state of the cluster, which may change during the wait: then the locks are
 * released and the new plan is acquired. `onRevoked` as in LockManager.acquire().
 */
async function lockFor(
  op: OpInput,
  { locks, store }: Parts,
  { owner, priority, job, signal, onGrant }: Claimant,
  onRevoked: () => void,
): Promise<Grant> {
  const opcode = opcodeOf(op.OP_ID);
  for (;;) {
    const plan = opcode.locks(op, store.pending);
    const grant = await locks.acquire(owner, plan, { priority, age: job, signal, onRevoked });
    if (!signal.aborted && samePlan(plan, opcode.locks(op, store.pending))) {
      onGrant();
      return grant;
    }
    grant.release();
    signal.throwIfAborted(); // the cancel may have come together with the grant
  }
}

function samePlan(a: LockPlan, b: LockPlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
