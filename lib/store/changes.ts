// The changes that a commit consists of. Every store implements each of them; they are data, so that a store can write them later, in
// another thread, or repeat them.
import type { Failure } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Cluster } from '../model/cluster.ts';
import type { Disk } from '../model/disk.ts';
import type { Duty } from '../model/duty.ts';
import type { JobFilter } from '../model/filter.ts';
import type { Instance } from '../model/instance.ts';
import type { Job, JobOp, JobStatus, LogEntry } from '../model/job.ts';
import type { LockLevel, LockMode } from '../model/locks.ts';
import type { Network } from '../model/network.ts';
import type { Node } from '../model/node.ts';
import type { NodeGroup } from '../model/nodegroup.ts';

/** The kinds of objects with their types. */
export interface Objects {
  cluster: Cluster;
  node: Node;
  nodegroup: NodeGroup;
  instance: Instance;
  disk: Disk;
  network: Network;
  filter: JobFilter;
  duty: Duty;
}
export type ObjectKind = keyof Objects;

/** A change of one object: add or replace it, or remove it. */
export type ObjectChange =
  | { [K in ObjectKind]: { change: 'put'; kind: K; object: Objects[K] } }[ObjectKind]
  | { change: 'remove'; kind: ObjectKind; uuid: string };

/** A lock that an opcode holds, as it is stored with the opcode. */
export interface StoredLock {
  level: LockLevel;
  name: string;
  mode: LockMode;
}

/** How a step ended. */
export type StepOutcome = { outcome: Json } | { failure: Failure };

/** A change of the job tables. */
type JobChange =
  | { change: 'job-add'; job: Job; secrets: ReadonlyMap<number, string> }
  | {
      change: 'job-set';
      job: number;
      status: JobStatus;
      start: number | null;
      end: number | null;
      /** Whether the job only reads. */
      brief?: boolean;
    }
  | { change: 'op-set'; job: number; op: number; state: Omit<JobOp, 'input' | 'log'> }
  /** An opcode begins: the locks that it holds, and the version of its unit. */
  | { change: 'op-hold'; job: number; op: number; locks: readonly StoredLock[]; unit: number }
  /** An opcode has failed, and from now on is undone. */
  | { change: 'op-undo'; job: number; op: number; failure: Failure }
  | { change: 'log-add'; job: number; op: number; entry: LogEntry }
  /** A step begins. */
  | { change: 'step-begin'; job: number; op: number; name: string }
  /** A step ends; `seq` is the order in which the steps of a job end. */
  | { change: 'step-end'; job: number; op: number; name: string; seq: number; end: StepOutcome }
  /** An unfinished job must stop before its next step. */
  | { change: 'job-cancel'; job: number }
  /** Archives a job that has ended. */
  | { change: 'job-archive'; job: number }
  /** Stores the idempotency key of a request, with its fingerprint and the job that it became. */
  | { change: 'key-add'; principal: string; key: string; fingerprint: string; job: number; time: number }
  /** Deletes keys from before a time, of archived jobs up to a number. */
  | { change: 'keys-forget'; before: number; upTo: number }
  /** Deletes all events up to an id, and up to another id (`aged`) those from before a time. */
  | { change: 'events-forget'; upTo: number; aged: { before: number; upTo: number } }
  /** Archives up to `limit` jobs that ended before one time or after another, the oldest first. */
  | { change: 'jobs-archive'; before: number; after: number; limit: number }
  /** Deletes read-only jobs that ended before a time, and of those that ended before `crowded` all but the newest `most`. */
  | { change: 'jobs-forget'; before: number; crowded: number; most: number }
  /** Deletes the journal, the locks and the secrets of a job that has ended. */
  | { change: 'job-clean'; job: number };

/** A change of an object or of the job tables. */
export type Change = ObjectChange | JobChange;

/** Adds or replaces an object. */
export const put = <K extends ObjectKind>(kind: K, object: Objects[K]): ObjectChange =>
  ({ change: 'put', kind, object }) as unknown as ObjectChange;
/** Removes an object. */
export const remove = (kind: ObjectKind, uuid: string): ObjectChange => ({ change: 'remove', kind, uuid });
