import type { LockState } from '../locks/manager.ts';
import type { Job } from '../model/job.ts';
import type { OsStatus } from '../model/os.ts';
import type { ClusterView } from '../model/view.ts';
import { type Cell, ResultStatus } from '../query/define.ts';
import type { RuntimeView } from '../rpc/runtime.ts';

/** What reading takes: one state of the cluster, and what is known of the nodes at this moment. */
export interface ReadContext {
  /** The state as far as whoever asks may see it. */
  readonly view: ClusterView;
  /** The state itself: so that an instance has the right status whether its node may be seen or not. */
  readonly whole: ClusterView;
  readonly runtime: RuntimeView;
}

/** Where jobs and what they hold are read from. */
export interface JobSource {
  /** A job, archived ones included; null when there is none with this id. */
  get(id: number): Promise<Job | null>;
  /** All jobs that are not archived, by ascending id. */
  all(): AsyncIterable<Job> | Iterable<Job>;
  /** Every lock that a job holds or waits for, in no order. */
  locks(): readonly LockState[];
}

/** An export that a node keeps, or that nothing is known of its exports: then `instance` is null. */
export interface ExportRow {
  readonly node: string;
  readonly instance: string | null;
}

/** What only nodes know, and are asked for when it is wanted. */
export interface NodeSource {
  /** All OS definitions; a node that does not answer has none. */
  operatingSystems(): Promise<readonly OsStatus[]>;
  /** All exports, by node and name. */
  exports(): Promise<readonly ExportRow[]>;
}

/** Reads one field of a row. */
export type Value<Row> = (row: Row) => Cell;

/** The readers of every field of a resource, by the field's name. */
export type Values<Row> = ReadonlyMap<string, Value<Row>>;

/** Cells without a value, shared by all answers. */
export const UNKNOWN: Cell = [ResultStatus.UNKNOWN, null];
export const NODATA: Cell = [ResultStatus.NODATA, null];
export const UNAVAIL: Cell = [ResultStatus.UNAVAIL, null];
export const OFFLINE: Cell = [ResultStatus.OFFLINE, null];

/** The cell of a value that is there, even when it is null. */
export function normal(value: unknown): Cell {
  return [ResultStatus.NORMAL, value];
}

/** The cell of a value that an object may lack. */
export function maybe(value: unknown): Cell {
  return value === null || value === undefined ? UNAVAIL : normal(value);
}
