import { MerapiError } from '../base/errors.ts';
import type { Grant, LockManager } from '../locks/manager.ts';
import type { JobStatus, OpInput } from '../model/job.ts';
import type { LockPlan } from '../model/locks.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { Store } from '../store/store.ts';

/** The status in which another job ends; waits for it. Null when there is no such job. */
export type EndOf = (job: number, signal: AbortSignal) => Promise<JobStatus | null>;

/** The jobs that an opcode depends on, with the statuses that are accepted. */
export function dependsOf(op: OpInput): [number, JobStatus[]][] {
  return (op.depends as [number, JobStatus[]][] | null) ?? [];
}

/** Waits for the jobs that an opcode depends on. @throws MerapiError execution when one ended otherwise than accepted */
export async function dependenciesEnded(op: OpInput, endOf: EndOf, signal: AbortSignal): Promise<void> {
  for (const [job, accepted] of dependsOf(op)) {
    const status = await endOf(job, signal);
    if (status === null)
      throw new MerapiError('execution', `Job ${job}, which this one depends on, does not exist`);
    if (accepted.length > 0 && !accepted.includes(status))
      throw new MerapiError(
        'execution',
        `Job ${job}, which this one depends on, ended in ${status}; needed was ${accepted.join(' or ')}`,
      );
  }
}

/** Who wants locks; of equal priorities the lower age goes first. */
interface Claimant {
  owner: string;
  age: number;
  signal: AbortSignal;
  /** Called at the very moment of the grant: from then on the opcode does not wait for locks. */
  onGrant(): void;
}

/** Waits for the locks of an opcode, until they are those that its plan wants then. */
export async function lockFor(
  op: OpInput,
  { locks, store }: { locks: LockManager; store: Store },
  { owner, age, signal, onGrant }: Claimant,
): Promise<Grant> {
  const opcode = opcodeOf(op.OP_ID);
  const priority = (op.priority as number | null) ?? 0;
  for (;;) {
    const plan = opcode.locks(op, store.view);
    const grant = await locks.acquire(owner, plan, { priority, age, signal });
    if (!signal.aborted && samePlan(plan, opcode.locks(op, store.view))) {
      onGrant();
      return grant;
    }
    grant.release();
    signal.throwIfAborted(); // the cancel may have come at the very moment of the grant
  }
}

function samePlan(a: LockPlan, b: LockPlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
