import type { JobStatus } from '../../lib/model/job.ts';

/** What became of a request for a job. */
export type Outcome =
  /** The master answered with the id of a job, so that job is not to be lost. */
  | { kind: 'acknowledged'; id: number }
  /** It answered that there is no job. */
  | { kind: 'refused'; status: number; text: string }
  /** The connection broke: nobody knows whether there is a job. */
  | { kind: 'unknown'; text: string };

/** What a client asked for. */
export interface Note {
  /** Stands in the reason of the job, so that a job can be traced to its request. */
  key: string;
  method: string;
  path: string;
  ops: string[];
  values: Record<string, unknown>;
  outcome: Outcome;
  /** The end of the job that a client has seen, if one has. */
  seen: { status: string; opresult: unknown } | null;
}

/** A wish to cancel a job, and whether the master said that it did; null when its answer was lost. */
export interface CancelNote {
  job: number;
  isCanceled: boolean | null;
}

export interface StoredOp {
  input: Record<string, unknown> & { OP_ID: string };
  resolved: Record<string, unknown>;
  status: JobStatus;
  result: unknown;
  start: number | null;
  exec: number | null;
  end: number | null;
  /** What should be null when the job has ended. */
  locks: string | null;
  undo: string | null;
  log: string[];
}

export interface StoredJobRow {
  id: number;
  status: JobStatus;
  received: number;
  start: number | null;
  end: number | null;
  ops: StoredOp[];
  /** What the API says of it. */
  shown: { status: string; opstatus: string[]; opresult: unknown } | null;
}

/** What is kept of an object, as far as it is looked at. */
interface StoredNic {
  uuid: string;
  mac: string;
  ip: string | null;
  network: string | null;
}
export interface StoredInstance {
  uuid: string;
  name: string;
  /** When it was made, in seconds since 1970. */
  ctime: number;
  primary_node: string;
  admin_state: 'up' | 'down' | 'offline';
  disks_active?: boolean;
  disk_template: string;
  disks: string[];
  nics: StoredNic[];
  beparams: { vcpus?: number };
  tags: string[];
}
export interface StoredDisk {
  uuid: string;
  dev_type: string;
  logical_id: (string | number)[];
  size: number;
  instance: string | null;
}
interface StoredNode {
  uuid: string;
  name: string;
  group: string;
  offline: boolean;
  drained: boolean;
  master_candidate: boolean;
}
interface StoredGroup {
  uuid: string;
  name: string;
  networks: Record<string, unknown>;
}
interface StoredNetwork {
  uuid: string;
  name: string;
  network: string;
  reservations: string[];
}
export interface StoredObjects {
  cluster: { tags: string[]; file_storage_dir: string; shared_file_storage_dir: string };
  instances: StoredInstance[];
  disks: StoredDisk[];
  nodes: StoredNode[];
  groups: StoredGroup[];
  networks: StoredNetwork[];
}

/** Data of a disk. Size in MiB, time in seconds since 1970. */
export interface DataFile {
  /** Below the folder of the template. */
  path: string;
  size: number;
  time: number;
}

/** What is really on a node. */
export interface NodeState {
  guests: { name: string; uuid: string; state: string; devices: string[] }[];
  files: DataFile[];
  volumes: DataFile[];
  /** The files of each export, by the name of the instance. */
  exports: Record<string, string[]>;
  /** Exports that are not finished, or about to be replaced. */
  hidden: string[];
  /** Records of scripts that run. */
  scripts: string[];
  /** What a durable write leaves when it is interrupted. */
  debris: string[];
}

/** A simulated mirror: its data, in MiB, and its sides by the names of their nodes. */
export interface MirrorState {
  data: number | null;
  time: number;
  sides: Record<string, { mirror: string; size: number; active: boolean; primary: boolean }>;
}

/** What the API tells of instances and networks. */
export interface Shown {
  instances: { name: string; status: string; pnode: string; admin_state: string; sizes: number[] }[];
  networks: { name: string; free_count: number; reserved_count: number; map: string }[];
  locks: { name: string; owner: string[]; pending: unknown[] }[];
}

/** All that is known at the end. Plain data: the checks are functions of it. */
export interface EndState {
  notes: Note[];
  cancels: CancelNote[];
  /** The last job of those that made the cluster. */
  setupJobs: number;
  jobs: StoredJobRow[];
  /** The jobs that rows of the journal, of secrets belong to. */
  steps: number[];
  secrets: number[];
  /** What jobs left to be done, in words. */
  duties: string[];
  objects: StoredObjects;
  nodes: Record<string, NodeState>;
  /** The disks of the template sharedfile, and what is left of interrupted writes beside them. */
  shared: DataFile[];
  mirrors: Record<string, MirrorState>;
  debris: string[];
  shown: Shown;
  /** Ends of programs that nothing explains. */
  ownEnds: { name: string; stderr: string }[];
  /** What differs after another life of the master. */
  differences: string[];
}
