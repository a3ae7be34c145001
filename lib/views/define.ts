// What the readers of all resources share: a row is an object with the context in which it is read, and each field of a resource has a
// function from a row to a cell. Which fields there are is defined in lib/query/fields.
import type { LockState } from '../locks/manager.ts';
import type { Job } from '../model/job.ts';
import type { OsStatus } from '../model/os.ts';
import type { ClusterView } from '../model/view.ts';
import { type Cell, ResultStatus } from '../query/define.ts';
import type { RuntimeView } from '../rpc/runtime.ts';

/** What a query reads: one state of the cluster, and what the nodes reported last. It must not change while rows are read. */
export interface ReadContext {
  /** The state, restricted to what the principal may see. */
  readonly view: ClusterView;
  /** The unrestricted state, for values that depend on objects outside of `view`, such as the status of an instance on a hidden node. */
  readonly whole: ClusterView;
  readonly runtime: RuntimeView;
}

/** Where jobs and their locks are read from. */
export interface JobSource {
  /** A job, archived ones included; null when there is none with this id. */
  get(id: number): Promise<Job | null>;
  /** All jobs that are not archived, by ascending id. */
  all(): AsyncIterable<Job> | Iterable<Job>;
  /** Every lock that is held or waited for, in no particular order. */
  locks(): readonly LockState[];
}

/** An export of an instance on a node. `instance` is null when the exports of the node are unknown or it never had any. */
export interface ExportRow {
  readonly node: string;
  readonly instance: string | null;
}

/** Data that is not in the facts of nodes, and is read from them on request. */
export interface NodeSource {
  /** All OS definitions; a node that does not answer counts as having none. */
  operatingSystems(): Promise<readonly OsStatus[]>;
  /** The exports of all nodes, ordered by node and name. */
  exports(): Promise<readonly ExportRow[]>;
}

/** Reads one field of a row. */
export type FieldReader<Row> = (row: Row) => Cell;

/** The readers of all fields of a resource, by the field's name. */
export type FieldReaders<Row> = ReadonlyMap<string, FieldReader<Row>>;

/** The cells without a value, which all answers share; see ResultStatus for their meanings. */
export const UNKNOWN: Cell = [ResultStatus.UNKNOWN, null];
export const NODATA: Cell = [ResultStatus.NODATA, null];
export const UNAVAIL: Cell = [ResultStatus.UNAVAIL, null];
export const OFFLINE: Cell = [ResultStatus.OFFLINE, null];

/** The cell of an existing value, which may be null. */
export function normal(value: unknown): Cell {
  return [ResultStatus.NORMAL, value];
}

/** The cell of an optional value: UNAVAIL when it is null or undefined. */
export function maybe(value: unknown): Cell {
  return value === null || value === undefined ? UNAVAIL : normal(value);
}
