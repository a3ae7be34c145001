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

/** What the queue and its jobs need of the process. */
interface ProcessParts extends World {
  locks: LockManager;
  runtime: RuntimeView;
  nodes: NodeCaller;
  seal: Seal;
  log: Logger;
}

/** What the queue is made of. */
export interface QueueParts extends ProcessParts {
  store: QueueStore;
}

/** What jobs run with. */
export interface RunnerParts extends ProcessParts {
  store: JobStore;
  /** What decides which jobs begin. */
  gate: Gate;
  /** What decides how many opcodes run at once. */
  slots: Slots;
  /** Where a job takes its slot: those that only read have slots of their own. */
  slotsOf(job: Job): Slots;
  endOf: EndOf;
  /** Called when something of a job that clients can see is on disk, or it began to wait. */
  onChange(job: number): void;
  /** Checks opcodes for a new job and gives it the next number. @throws MerapiError wrong_input */
  prepare(inputs: readonly OpInput[]): PreparedJob;
}

/** A job that has a number and is not stored yet. */
export interface PreparedJob {
  id: number;
  /** What stores it. */
  change: Change;
  /** Lets it go, once it is on disk. */
  go(): void;
}
