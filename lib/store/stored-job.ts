import type { Failure } from '../base/errors.ts';
import type { Job } from '../model/job.ts';
import type { StepOutcome, StoredLock } from './changes.ts';
import { JOB_FORMAT } from './formats.ts';

/** What the journal holds of one step: nothing but its name while its outcome is not known. */
export interface StoredStep {
  op: number;
  name: string;
  /** The order in which the job's steps ended; null of one that began only. */
  seq: number | null;
  end: StepOutcome | null;
}

/** All that is stored of a job that has not ended, for taking it up again. */
export interface StoredJob {
  job: Job;
  /** In no order. */
  steps: readonly StoredStep[];
  /** By opcode index: what it holds, and the failure that it undoes for. */
  locks: ReadonlyMap<number, StoredLock[]>;
  undo: ReadonlyMap<number, Failure>;
  /** By opcode index: its secret values, sealed. */
  secrets: ReadonlyMap<number, string>;
  /** By opcode index: the version of the unit that an opcode began with. */
  units: ReadonlyMap<number, number>;
  /** In which version of the format its opcodes are stored; and, by the index of those that began, their steps. */
  format: number;
  journals: ReadonlyMap<number, number>;
}

const nothing: ReadonlyMap<number, never> = new Map<number, never>();

/** What is stored of a job that has not begun; all of them share it. */
export const NOTHING_DONE: Omit<StoredJob, 'job'> = {
  steps: [],
  locks: nothing,
  undo: nothing,
  secrets: nothing,
  units: nothing,
  format: JOB_FORMAT,
  journals: nothing,
};
