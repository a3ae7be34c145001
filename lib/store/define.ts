// What a store must do, whatever keeps its data. Everything above lib/store sees a store only by these interfaces; which store
// there is, is decided where a process is wired (lib/app). The suite in test/store/suite tests what is said here; every store runs it.
//
// A commit passes through three states: pending (computed, not on disk: `pending` shows it), durable (on disk: `view` shows it and
// its promise resolves), or failed (nothing of it is left: its promise rejects). Commits become durable in the order in which they
// were made. "On disk" means: whoever opens the store after a crash of this process finds it.
import type { Clock } from '../base/clock.ts';
import type { MerapiError } from '../base/errors.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { Job } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import type { Change } from './changes.ts';
import type { StoredJob } from './stored-job.ts';

/** Who makes a change; stands in the events. */
export interface Author {
  job: number | null;
}

/** A commit that could not be written. */
export interface WriteFailure {
  error: MerapiError;
  /** Whether another master has taken the store over, so that no commit of this one is ever written again. */
  lost: boolean;
  /** The job whose commit no disk would take, if that is the reason; null when no commit is to blame, or none is known to be. */
  culprit: number | null;
}

/** What running jobs need of a store. */
export interface JobStore {
  /**
   * The state that all commits so far lead to, on disk or not yet. What is built on it can only be on disk if they are, so jobs
   * go by it: their own records come after it.
   */
  readonly pending: ClusterView;
  readonly jobs: JobReader;
  /**
   * Writes changes, all or none. `build` is called before commit() returns, with the state that all earlier commits lead to, on
   * disk or not yet; what it throws rejects the commit, and nothing happens. Resolves when the changes are on disk and `view`
   * shows them; commits that are made while others are written may share one transaction.
   * @throws MerapiError internal_error when no disk would take these changes, unavailable when they cannot be written for another
   * reason. Then `pending` falls back to `view`, every commit under way fails too, and those that are made before retry() succeeds
   * are refused.
   */
  commit(author: Author, build: (view: ClusterView) => readonly Change[]): Promise<void>;
}

/** What the job queue needs of a store. */
export interface QueueStore extends JobStore {
  /** The newest state that is on disk. A view that was taken never changes. */
  readonly view: ClusterView;
  /** Why commits are refused now; null when they are not. */
  readonly failure: MerapiError | null;
  /** Calls back with each new state that is on disk, before the commit that made it resolves; until the returned function is called. */
  onChange(listener: (view: ClusterView) => void): () => void;
}

/**
 * The state of the cluster and of its jobs: one immutable snapshot in memory, changed only by commit(). A store has one owner:
 * whoever opened it last. Commits of an earlier owner are refused.
 */
export interface Store extends QueueStore {
  readonly events: EventReader;
  /** A number of this owner, higher than that of each one before. */
  readonly epoch: number;
  /**
   * Calls back at the first commit that could not be written, before its caller learns of it, and not again until retry() has
   * succeeded; until the returned function is called.
   */
  onFailure(listener: (failure: WriteFailure) => void): () => void;
  /** Tries whether commits can be written again: whether they can now. */
  retry(): Promise<boolean>;
  /** Resolves when all commits that were made before have ended; those that come later, and reads, are refused with `unavailable`. */
  close(): Promise<void>;
}

/**
 * Opens a store, which is made when it is missing, and takes it over from whoever had it. Times of events come from the clock.
 * @throws MerapiError unavailable, naming the store and what to do, when it cannot be read or written
 */
export type OpenStore = (clock: Clock) => Promise<Store>;

/**
 * Reads jobs that are on disk, each whole: never half of a commit. What they say has been done, the store's view shows by then;
 * what was committed before a read is in it. The values of secrets are in none of them.
 */
export interface JobReader {
  /** The ids of all jobs that are not archived, ascending; a portion is read at a time. */
  ids(portion?: number): Promise<number[]>;
  /** The highest id ever given to a job, whatever became of it; 0 when there was none. */
  lastId(): Promise<number>;
  /** The job that a request under this key became, and its fingerprint; null when there was none. */
  keyed(principal: string, key: string): Promise<{ fingerprint: string; job: number } | null>;
  /** How many jobs that ended before one time or after another (seconds since 1970) are not archived, counted up to a limit. */
  archivable(before: number, after: number, limit: number): Promise<number>;
  /** One job, archived ones included. */
  get(id: number): Promise<Job | null>;
  /** The jobs from one number to another, archived ones included. */
  between(first: number, last: number): Promise<Job[]>;
  /** All jobs that are not archived, in the order of their ids; a portion is read at a time. */
  all(portion?: number): AsyncIterable<Job>;
  /** Every job that has not ended, with its journal, in the order of their ids; a portion is read at a time. */
  unfinished(portion?: number): AsyncIterable<StoredJob>;
}

/** The events that are on disk: one for each changed object and each new status of a job, numbered without gaps in the order of commits. */
export interface EventReader {
  /** The id of the newest one, also when it is not kept any more; 0 when there was none. */
  readonly last: number;
  /**
   * Those after an id, so many at most, in their order. `first` is above id + 1 exactly when some of them are not kept any more:
   * then it is the oldest id that is kept, or last + 1 when there is none. Events that were forgotten since the store was opened may
   * still be there.
   */
  after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number }>;
  /** How many want to be called back now. */
  readonly listeners: number;
  /** Calls back when there are new ones, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}
