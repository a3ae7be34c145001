import type { Failure } from '../base/errors.ts';
import type { Job } from '../model/job.ts';
import type { StepOutcome, StoredLock } from './changes.ts';
import { JOB_FORMAT } from './formats.ts';

/** A step in the journal; `seq` and `end` are null while its outcome is not known. */
export interface StoredStep {
  op: number;
  name: string;
  /** The position in the order in which the job's steps ended; null for a step that has only begun. */
  seq: number | null;
  end: StepOutcome | null;
}

/** An unfinished job with everything that is needed to resume it. Maps are by the index of the opcode. */
export interface StoredJob {
  job: Job;
  /** In no particular order. */
  steps: readonly StoredStep[];
  /** The locks of each opcode that has begun and not ended. An entry, even with no locks, means that the opcode has begun. */
  locks: ReadonlyMap<number, StoredLock[]>;
  /** The failure because of which an opcode is being undone. */
  undo: ReadonlyMap<number, Failure>;
  /** The sealed secret parameters. */
  secrets: ReadonlyMap<number, string>;
  /** The version of the unit with which an opcode began. */
  units: ReadonlyMap<number, number>;
  /** The version of the format of its opcodes, see JOB_FORMAT. */
  format: number;
  /** The version of the format of the steps of each opcode that has begun, see JOURNAL_FORMAT. */
  journals: ReadonlyMap<number, number>;
}

const nothing: ReadonlyMap<number, never> = new Map<number, never>();

/** The journal of a job that has not begun. All such jobs share it, to save memory. */
export const NOTHING_DONE: Omit<StoredJob, 'job'> = {
  steps: [],
  locks: nothing,
  undo: nothing,
  secrets: nothing,
  units: nothing,
  format: JOB_FORMAT,
  journals: nothing,
};
