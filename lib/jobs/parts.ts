import type { Logger } from '../base/log.ts';
import type { Seal } from '../base/seal.ts';
import type { World } from '../base/world.ts';
import type { LockManager } from '../locks/manager.ts';
import type { Job, OpInput } from '../model/job.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Change } from '../store/changes.ts';
import type { JobStore, QueueStore } from '../store/define.ts';
import type { Gate } from './gate.ts';
import type { Slots } from './slots.ts';
import type { EndOf } from './waiting.ts';

/** The dependencies of the queue and of its jobs that come from the process. */
interface ProcessParts extends World {
  locks: LockManager;
  runtime: RuntimeView;
  nodes: NodeCaller;
  seal: Seal;
  log: Logger;
}

/** The dependencies of the queue. */
export interface QueueParts extends ProcessParts {
  store: QueueStore;
}

/** The dependencies of jobs. The queue replaces them as a whole after the store has failed. */
export interface RunnerParts extends ProcessParts {
  store: JobStore;
  /** Decides which jobs begin. */
  gate: Gate;
  /** Limits how many opcodes run at once. */
  slots: Slots;
  /** The slots that a job uses: read-only jobs have their own. */
  slotsOf(job: Job): Slots;
  endOf: EndOf;
  /** Called when something of a job that clients can see is durable, or when the job begins to wait. */
  onChange(job: number): void;
  /** Checks opcodes for a new job, and assigns it the next number. @throws MerapiError wrong_input */
  prepare(inputs: readonly OpInput[]): PreparedJob;
}

/** A job that has a number but is not stored yet. */
export interface PreparedJob {
  id: number;
  /** The change that stores it. */
  change: Change;
  /** Hands it to the queue; to be called once the change is durable. */
  go(): void;
}
