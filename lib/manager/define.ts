import type { Scope } from '../access/policy.ts';
import type { Principal } from '../access/principal.ts';
import type { Cancellation } from '../jobs/cancel.ts';
import type { QueueSettings, QueueState } from '../jobs/settings.ts';
import type { Why } from '../jobs/why.ts';
import type { Action, NamedKind } from '../model/access.ts';
import type { Duty } from '../model/duty.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { JobFilter } from '../model/filter.ts';
import type { Job, OpInput } from '../model/job.ts';
import type { NamedObject } from '../model/lookup.ts';
import type { NodeRole } from '../model/node.ts';
import type { TagKind } from '../model/tag.ts';
import type { QueryAnswer, QueryFieldsAnswer, QueryRows } from '../query/define.ts';
import type { ShownCluster } from '../views/cluster.ts';
import type { ListedObject } from '../views/listing.ts';

/** How somebody waits for a job. */
export interface JobWait {
  /** Whether a state of the job is news for who waits. Of a job that has ended it is not asked: that always is. */
  isNews(job: Job): boolean;
  /** Milliseconds that it takes at most; by default as long as the job. */
  timeout?: number;
  /** Ends the wait. */
  signal: AbortSignal;
}

/** A change of an object that touches no node and so needs no job: of its tags. */
export interface MetadataChange {
  object: { kind: TagKind; name: string | null };
  add?: readonly string[];
  remove?: readonly string[];
  /** The serial number that the object must still have; by default any. */
  serial?: number;
}

/** What of a job filter whoever makes it decides. */
export type FilterInput = Omit<JobFilter, 'uuid' | 'watermark'>;

/** What is still to be done on a node, with the node's name; null when the node is not of the cluster any more, or not seen. */
export type ShownDuty = Duty & { readonly node_name: string | null };

/** Which events are wanted; what is not given may be any. */
export interface EventFilter {
  readonly kinds?: readonly string[];
  /** Of these objects, by name or uuid; jobs by their number. */
  readonly objects?: readonly string[];
  /** What these jobs did, and they themselves. */
  readonly jobs?: readonly number[];
}

/** How events are followed. */
export interface Following {
  readonly filter: EventFilter;
  /** The id of the last event that is known already. */
  readonly after: number;
  /** Milliseconds without a page after which one without events is given, so that who follows knows where to go on. */
  readonly idle: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Some of the events that are followed, in their order. */
export interface EventPage {
  readonly events: readonly ClusterEvent[];
  /** Whoever goes on after this id misses nothing. */
  readonly upTo: number;
  /** Of the ids between these two nothing is known any more: the events were forgotten, or an older state was restored. */
  readonly gap: { readonly after: number; readonly first: number } | null;
}

/** The events that someone may see. */
export interface EventFeed {
  /** The id of the newest event, whether it is seen or not; 0 when there was none. */
  readonly last: number;
  /**
   * Looks at the events after an id, so many at most, and gives those that are seen. `upTo` is the id of the last one that was looked
   * at (the given id when there was none), `first` the oldest id that is kept.
   */
  after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number; upTo: number }>;
}

/**
 * The one door to the cluster: every surface goes through it, and it knows no protocol. What a principal may not look at answers as if
 * it did not exist; whatever else the policy refuses is `forbidden`, which any of these functions may throw.
 */
export interface Manager {
  /** Over which objects someone may do something: so a protocol can refuse who may do it to none before it reads the request. */
  scope(principal: Principal, action: Action): Scope;
  /**
   * Checks and stores a job; answers its id when it is on disk. A request with a key makes one job, however often it comes;
   * `fingerprint` tells it from others.
   * @throws MerapiError wrong_input, forbidden, conflict, unavailable, not_found when it depends on a job that may not be seen
   */
  submit(
    principal: Principal,
    ops: readonly OpInput[],
    key?: { key: string; fingerprint: string } | null,
  ): Promise<number>;
  /**
   * Submits a job and waits until it has ended; null when the signal fired first: then the job goes on.
   * @throws MerapiError as submit() does; a job that fails does not throw
   */
  runToEnd(principal: Principal, ops: readonly OpInput[], signal: AbortSignal): Promise<Job | null>;
  /**
   * Changes an object without a job; the change is on disk when it is done, and an event tells of it.
   * @throws MerapiError forbidden, not_found, invalid_tag, conflict when the object has changed meanwhile
   */
  change(principal: Principal, change: MetadataChange): Promise<void>;
  /**
   * Reads fields of all objects of a resource (`instance`, `node`, `group`, `job`) that pass the filter (null: all); for questions that
   * few objects answer. Needs `read`, for a filter can ask for any field.
   * @throws MerapiError wrong_input for an unknown resource, a wrong filter or too many fields
   */
  query(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    filter: unknown,
  ): Promise<QueryAnswer>;
  /** The same for any number of objects: its rows are made while they are read. @throws MerapiError wrong_input */
  queryRows(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    filter: unknown,
  ): Promise<QueryRows>;
  /**
   * All objects of a resource with these fields, some at a time. They are made while they are read, in slices that let other requests in
   * between. Values that are not known now are null. Fields that only users may see need `read`, others `look`.
   * @throws MerapiError wrong_input for an unknown resource
   */
  listing(
    principal: Principal,
    resource: string,
    fields: readonly string[],
  ): AsyncIterable<readonly ListedObject[]>;
  /** The same of the one object with this uuid. @throws MerapiError wrong_input, not_found */
  describe(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    uuid: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The object of this name or uuid; hosts may be abbreviated up to a dot of their names. @throws MerapiError not_found */
  find(principal: Principal, kind: NamedKind, text: string): NamedObject;
  /** All objects of a kind, in the order of their names. */
  names(principal: Principal, kind: NamedKind): readonly NamedObject[];
  /** The role of the node that find() gives for this text. @throws MerapiError not_found */
  nodeRole(principal: Principal, text: string): NodeRole;
  /** The fields of a resource, or what is known of the named ones. @throws MerapiError wrong_input */
  queryFields(principal: Principal, resource: string, names: readonly string[] | null): QueryFieldsAnswer;
  /** The ids of all jobs that are not archived, ascending. */
  jobIds(principal: Principal): Promise<number[]>;
  /** All jobs that are not archived, by ascending id; they are read while they are taken. */
  jobs(principal: Principal): AsyncIterable<Job>;
  /** A job, archived ones included. */
  job(principal: Principal, id: number): Promise<Job | null>;
  /** Cancels a job. One that runs stops before its next step, and what it has done is undone. */
  cancelJob(principal: Principal, id: number): Promise<Cancellation>;
  /** Why a job waits, or that it does not; null when there is none. */
  whyJob(principal: Principal, id: number): Promise<Why | null>;
  /** What jobs could not do on nodes and what is still to be done, in the order in which it came to be. */
  duties(principal: Principal): readonly ShownDuty[];
  /** Gives a duty up, with the reason: it is tried no more. @throws MerapiError not_found */
  giveUpDuty(principal: Principal, uuid: string, why: string): Promise<void>;
  /** What happened in the cluster. */
  events(principal: Principal): EventFeed;
  /** What happens in the cluster, without a loss, in the order in which it did; and first what happened since an id. */
  follow(principal: Principal, how: Following): AsyncIterable<EventPage>;
  /** What the job queue does and is set to. */
  queueState(principal: Principal): QueueState;
  /** Sets what is given. */
  setQueue(principal: Principal, settings: QueueSettings): Promise<void>;
  /** Archives a job that has ended: it is listed no more. @throws MerapiError not_found, wrong_state */
  archiveJob(principal: Principal, id: number): Promise<void>;
  /** Archives all jobs that ended at least so many seconds ago; answers how many. */
  archiveJobs(principal: Principal, age: number): Promise<number>;
  /** Waits until a job has news or has ended; null when neither came in time. @throws MerapiError forbidden, not_found */
  waitForJob(principal: Principal, id: number, wait: JobWait): Promise<Job | null>;
  /** The job filters, in the order in which they are asked. */
  filters(principal: Principal): readonly JobFilter[];
  /**
   * Makes a job filter, with a uuid of its own or the given one, in place of the filter that has it; answers the uuid. Jobs that
   * have not begun are looked at again. @throws MerapiError wrong_input when a predicate cannot be understood
   */
  putFilter(principal: Principal, uuid: string | null, filter: FilterInput): Promise<string>;
  /** @throws MerapiError not_found */
  removeFilter(principal: Principal, uuid: string): Promise<void>;
  /** The cluster itself; the same object until something of it changes. */
  cluster(principal: Principal): ShownCluster;
  /** The tags of an object. @throws MerapiError not_found */
  tags(principal: Principal, kind: TagKind, name: string | null): string[];
  /** The names of the OS definitions that are valid on all usable nodes, each variant as OS+VARIANT. */
  osNames(principal: Principal): Promise<string[]>;
}
