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

/** A change of one object: put it there (new or in place of the old one), or remove it. */
export type ObjectChange =
  | { [K in ObjectKind]: { change: 'put'; kind: K; object: Objects[K] } }[ObjectKind]
  | { change: 'remove'; kind: ObjectKind; uuid: string };

/** A lock as it is stored with an opcode that holds it. */
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
  /** An opcode begins: what it holds, and the version of the unit that does it. */
  | { change: 'op-hold'; job: number; op: number; locks: readonly StoredLock[]; unit: number }
  | { change: 'op-undo'; job: number; op: number; failure: Failure }
  | { change: 'log-add'; job: number; op: number; entry: LogEntry }
  | { change: 'step-begin'; job: number; op: number; name: string }
  | { change: 'step-end'; job: number; op: number; name: string; seq: number; end: StepOutcome }
  /** A job that has not ended is to stop before its next step. */
  | { change: 'job-cancel'; job: number }
  /** A job that has ended is archived. */
  | { change: 'job-archive'; job: number }
  /** A request was sent under a key, and became this job. */
  | { change: 'key-add'; principal: string; key: string; fingerprint: string; job: number; time: number }
  /** Keys from before a time go, of archived jobs up to a number. */
  | { change: 'keys-forget'; before: number; upTo: number }
  /** All events up to an id go, and up to another one (`aged`) those from before a time. */
  | { change: 'events-forget'; upTo: number; aged: { before: number; upTo: number } }
  /** Jobs that ended before one time or after another are archived, so many at most, the oldest first. */
  | { change: 'jobs-archive'; before: number; after: number; limit: number }
  /** Jobs that only read go: those that ended before a time, and of those before a later one all but the newest so many. */
  | { change: 'jobs-forget'; before: number; crowded: number; most: number }
  /** The job has ended: its journal and its secrets go. */
  | { change: 'job-clean'; job: number };

export type Change = ObjectChange | JobChange;

/** Shorthands for the changes that units make. */
export const put = <K extends ObjectKind>(kind: K, object: Objects[K]): ObjectChange =>
  ({ change: 'put', kind, object }) as unknown as ObjectChange;
export const remove = (kind: ObjectKind, uuid: string): ObjectChange => ({ change: 'remove', kind, uuid });
