// The interfaces of a store, whatever keeps its data. Everything above lib/store uses a store only through them; lib/app chooses the
// implementation. The suite in test/store/suite tests what these comments promise; every store must pass it.
//
// | a commit is | meaning | shown by |
// | --- | --- | --- |
// | pending | computed, but not durable | `pending` |
// | durable | found by whoever opens the store after a crash of this process | `view`; its promise resolves |
// | failed | nothing of it remains, nor of any later commit, until retry() | nothing; its promise rejects |
//
// Commits become durable in the order in which they were made.
import type { Clock } from '../base/clock.ts';
import type { MerapiError } from '../base/errors.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { Job } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import type { Change } from './changes.ts';
import type { StoredJob } from './stored-job.ts';

/** The author of a commit, which its events name: a job, or null. */
export interface Author {
  job: number | null;
}

/** Why a commit could not be written. */
export interface WriteFailure {
  error: MerapiError;
  /** Whether another master has taken the store over, so that no commit of this one is ever written again. */
  lost: boolean;
  /** The job whose commit no disk could store, if that is the reason; null when no commit is known to be the cause. */
  culprit: number | null;
}

/** The part of a store that jobs use. */
export interface JobStore {
  /**
   * The state after all commits so far, durable or not. A commit that is built on it can only become durable if they do, so jobs use
   * this state: their own records come after it.
   */
  readonly pending: ClusterView;
  readonly jobs: JobReader;
  /**
   * Writes changes, all or none. `build` is called before commit() returns, with the state after all earlier commits, durable or not;
   * if it throws, the commit rejects with that error and nothing is written. Resolves when the changes are durable and `view` shows
   * them; commits that are made while others are written may share one transaction.
   * @throws MerapiError internal_error when no disk could store these changes, unavailable when they cannot be written for another
   * reason. Then `pending` falls back to `view`, every commit under way fails too, and further ones are refused until retry() succeeds.
   */
  commit(author: Author, build: (view: ClusterView) => readonly Change[]): Promise<void>;
}

/** The part of a store that the job queue uses. */
export interface QueueStore extends JobStore {
  /** The newest durable state. A view never changes: each commit makes a new one. */
  readonly view: ClusterView;
  /** Why commits are refused now; null when they are not. */
  readonly failure: MerapiError | null;
  /** Calls back with each new durable state, before its commit resolves, until the returned function is called. */
  onChange(listener: (view: ClusterView) => void): () => void;
}

/**
 * The state of the cluster and of its jobs: one immutable snapshot in memory, changed only by commit(). A store has one owner, the one
 * that opened it last; commits of earlier owners are refused.
 */
export interface Store extends QueueStore {
  readonly events: EventReader;
  /** The number of this owner, higher than that of every earlier one. */
  readonly epoch: number;
  /**
   * Calls back at the first commit that could not be written, before its promise rejects, and not again until retry() has succeeded;
   * until the returned function is called.
   */
  onFailure(listener: (failure: WriteFailure) => void): () => void;
  /** Tests whether commits can be written again, and if so accepts them again; returns whether it does. */
  retry(): Promise<boolean>;
  /** Resolves when all earlier commits have ended; later commits and reads are refused with `unavailable`. */
  close(): Promise<void>;
}

/**
 * Opens a store, creates it if it is missing, and takes it over from its last owner. Times of events come from the clock.
 * @throws MerapiError unavailable, naming the store and what to do, when it cannot be read or written
 */
export type OpenStore = (clock: Clock) => Promise<Store>;

/**
 * Reads durable jobs, never half of a commit. When a read resolves, the store's `view` shows every change of the jobs that it returns, and
 * it includes everything that was committed before the read. Secret values are never included.
 */
export interface JobReader {
  /** The ids of all jobs that are not archived, ascending; read in pages of `portion`. */
  ids(portion?: number): Promise<number[]>;
  /** The highest id that any job ever had, deleted ones included; 0 when there was none. */
  lastId(): Promise<number>;
  /** The job of the request with this key, and the request's fingerprint; null when there is none. */
  keyed(principal: string, key: string): Promise<{ fingerprint: string; job: number } | null>;
  /** How many jobs that ended before one time or after another (seconds since 1970) are not archived, counted up to a limit. */
  archivable(before: number, after: number, limit: number): Promise<number>;
  /** One job, archived ones included. */
  get(id: number): Promise<Job | null>;
  /** The jobs from one id to another, both included, archived ones too. */
  between(first: number, last: number): Promise<Job[]>;
  /** All jobs that are not archived, in the order of their ids; read in pages of up to `portion`. */
  all(portion?: number): AsyncIterable<Job>;
  /** Every unfinished job with its journal, in the order of their ids; read in pages of `portion`. */
  unfinished(portion?: number): AsyncIterable<StoredJob>;
}

/** The durable events: one for each changed object and each new status of a job, numbered without gaps in the order of commits. */
export interface EventReader {
  /** The id of the newest event, also when it has been deleted; 0 when there was none. */
  readonly last: number;
  /**
   * Up to `limit` events after an id, in order. `first` is above id + 1 exactly when some of the requested events have been deleted: then
   * it is the oldest id that is left, or last + 1 when none is. Events that were deleted since the store was opened may still be returned.
   */
  after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number }>;
  /** How many listeners there are now. */
  readonly listeners: number;
  /** Calls back when there are new events, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}
