// The contract between surfaces (protocols) and the cluster. A surface decodes a request, authenticates its sender as a Principal, calls
// one of these functions, and encodes the result; docs/adding-a-surface.md describes the steps.
import type { Scope } from '../access/policy.ts';
import type { Principal } from '../access/principal.ts';
import type { Json } from '../base/json.ts';
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
import type { ResultOf } from '../rpc/registry.ts';
import type { ShownCluster } from '../views/cluster.ts';
import type { ListedPage } from '../views/listing.ts';

/** How a caller waits for a job. */
export interface JobWait {
  /** Whether this state of the job ends the wait. Not called for a job that has ended: that always ends the wait. */
  isNews(job: Job): boolean;
  /** The longest wait in milliseconds; by default until the job has ended. */
  timeout?: number;
  /** Ends the wait early. */
  signal: AbortSignal;
}

/** A change of an object that touches no node and therefore needs no job: so far, of its tags. */
export interface MetadataChange {
  /** The kind and name of the object; the name is null for the cluster. */
  object: { kind: TagKind; name: string | null };
  /** Tags to remove, and then tags to add. */
  remove?: readonly string[];
  add?: readonly string[];
  /** The serial number that the object must still have; by default it may have any. */
  serial?: number;
}

/** The properties of a job filter that its creator sets. */
export type FilterInput = Omit<JobFilter, 'uuid' | 'watermark'>;

/** A duty with the name of its node; null when the node is no longer in the cluster, or not visible to the principal. */
export type ShownDuty = Duty & { readonly node_name: string | null };

/** Which events a caller wants; a criterion that is omitted matches all. */
export interface EventFilter {
  readonly kinds?: readonly string[];
  /** Events of these objects, by name or uuid; jobs by their number. */
  readonly objects?: readonly string[];
  /** Changes by these jobs, and events of the jobs themselves. */
  readonly jobs?: readonly number[];
}

/** How a caller follows the events. */
export interface FollowOptions {
  readonly filter: EventFilter;
  /** The id of the last event that the caller knows. */
  readonly after: number;
  /** After how many milliseconds without a page an empty one is yielded, so that the caller knows from where to resume. */
  readonly idle: number;
  /** Ends the iteration. */
  readonly signal: AbortSignal;
}

/** Some of the followed events, in the order of their ids. */
export interface EventPage {
  readonly events: readonly ClusterEvent[];
  /** The id after which the caller can resume without missing an event. */
  readonly upTo: number;
  /** The events between these two ids are not stored any more: they were removed, or an older state was restored. Null if none are lost. */
  readonly gap: { readonly after: number; readonly first: number } | null;
}

/** The events that a principal may see. */
export interface EventFeed {
  /** The id of the newest event, visible or not; 0 when there is none. */
  readonly last: number;
  /**
   * Reads at most `limit` events after an id, and returns the visible ones. `upTo` is the id of the last one that was read (the given
   * id when there was none). `first` is above id + 1 exactly when events after the id are no longer stored: then it is the oldest id that
   * is.
   */
  after(id: number, limit: number): Promise<{ events: readonly ClusterEvent[]; first: number; upTo: number }>;
}

/** How the agent of a guest stands. */
export interface GuestStanding {
  readonly running: boolean;
  /** Whether an agent has opened its port; null when this is not known. */
  readonly open: boolean | null;
  readonly frozen: boolean;
  /** When the agent last answered, in seconds since 1970; null when it has not. */
  readonly last_seen: number | null;
  /** The agent's version and commands; null when it did not answer. */
  readonly version: string | null;
  readonly commands: readonly { readonly name: string; readonly enabled: boolean }[] | null;
}

/** The options of a command for a guest agent. */
interface AgentQuestion {
  readonly args?: Readonly<Record<string, unknown>>;
  /** Milliseconds; by default the limit of the command. */
  readonly timeout?: number | null;
  readonly signal?: AbortSignal;
}

/**
 * The agents inside of guests. Each function needs a right to the instance (model/access.ts).
 * @throws MerapiError conflict when the guest does not run or its file systems are frozen; unavailable when no agent has opened its port;
 *   timeout, guest_agent, unsupported, forbidden, with the agent's words in `detail`
 */
export interface GuestFunctions {
  guestStanding(principal: Principal, name: string, signal: AbortSignal): Promise<GuestStanding>;
  /** The answer, unchanged, to a command that only reads. */
  askGuest(principal: Principal, name: string, command: string, question: AgentQuestion): Promise<Json>;
  /** Sends any command to the agent, and returns its answer unchanged. */
  sendToGuest(principal: Principal, name: string, command: string, question: AgentQuestion): Promise<Json>;
  /** How a program stands that was started in a guest, and its output. @throws MerapiError not_found for an unknown pid */
  guestOutput(
    principal: Principal,
    name: string,
    pid: number,
    signal: AbortSignal,
  ): Promise<ResultOf<'guest.output'>>;
  /** At most `count` bytes of a file of a guest from an offset, in chunks. */
  guestFile(
    principal: Principal,
    name: string,
    file: { path: string; offset: number; count: number; signal: AbortSignal },
  ): AsyncIterable<Buffer>;
  /** Sends the content of a file to the node of a guest, for OP_GUEST_FILE_WRITE. `checksum` is its SHA-256 in hexadecimal. */
  uploadForGuest(
    principal: Principal,
    name: string,
    data: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<{ upload: string; size: number; checksum: string }>;
}

/**
 * The only entry to the cluster: every surface uses it, and it knows no protocol. An object that a principal may not look at is
 * treated as if it did not exist; everything else that the policy refuses is `forbidden`, which any of these functions may throw.
 */
export interface Manager extends GuestFunctions {
  /** To which objects a principal may do something: with `none`, a protocol can refuse a request before it reads the body. */
  scope(principal: Principal, action: Action): Scope;
  /**
   * Checks and stores a job, and returns its id when the job is durable. A request with a key creates one job, however often it is
   * repeated; another request (with another `fingerprint`) under the same key is a conflict.
   * @throws MerapiError wrong_input, forbidden, conflict, unavailable, not_found when it depends on a job that is not visible
   */
  submit(
    principal: Principal,
    ops: readonly OpInput[],
    key?: { key: string; fingerprint: string } | null,
  ): Promise<number>;
  /**
   * Submits a job and waits until it has ended; null when the signal fires first: the job then continues.
   * @throws MerapiError as submit() does; a job that fails does not throw
   */
  runToEnd(principal: Principal, ops: readonly OpInput[], signal: AbortSignal): Promise<Job | null>;
  /**
   * Changes an object without a job. The change is durable when the promise resolves, and is reported as an event.
   * @throws MerapiError forbidden, not_found, invalid_tag, conflict when the object has changed in the meantime
   */
  change(principal: Principal, change: MetadataChange): Promise<void>;
  /**
   * Reads fields of all objects of a resource (`instance`, `node`, `group`, `job` …) that match the filter (null: all), for queries with
   * few results. Needs the right `read`, since a filter can use any field.
   * @throws MerapiError wrong_input for an unknown resource, a wrong filter or too many fields
   */
  query(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    filter: unknown,
  ): Promise<QueryAnswer>;
  /** Like query(), for any number of results: the rows are made while they are read. @throws MerapiError wrong_input */
  queryRows(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    filter: unknown,
  ): Promise<QueryRows>;
  /**
   * All objects of a resource with these fields, a page at a time. They are made while they are read, in slices between which other
   * requests get their turn. Values that are not known at the moment are null. Fields that only users may see need the right `read`,
   * others `look`.
   * @throws MerapiError wrong_input for an unknown resource
   */
  listing(principal: Principal, resource: string, fields: readonly string[]): AsyncIterable<ListedPage>;
  /** These fields of the object with this uuid, by name. @throws MerapiError wrong_input, not_found */
  describe(
    principal: Principal,
    resource: string,
    fields: readonly string[],
    uuid: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The object with this name or uuid; host names may be abbreviated to their first labels. @throws MerapiError not_found */
  find(principal: Principal, kind: NamedKind, text: string): NamedObject;
  /** All objects of a kind, in the order of their names. */
  names(principal: Principal, kind: NamedKind): readonly NamedObject[];
  /** The role of the node that find() returns for this text. @throws MerapiError not_found */
  nodeRole(principal: Principal, text: string): NodeRole;
  /** Describes the fields of a resource, or only the named ones. @throws MerapiError wrong_input */
  queryFields(principal: Principal, resource: string, names: readonly string[] | null): QueryFieldsAnswer;
  /** The ids of all jobs that are not archived, ascending. */
  jobIds(principal: Principal): Promise<number[]>;
  /** All jobs that are not archived, by ascending id; they are read from disk while the caller iterates. */
  jobs(principal: Principal): AsyncIterable<Job>;
  /** A job, archived ones included; null when there is none or it is not visible. */
  job(principal: Principal, id: number): Promise<Job | null>;
  /** Cancels a job. A running one stops before its next step, and its changes are undone. `canceled` is false when the job has ended. */
  cancelJob(principal: Principal, id: number): Promise<Cancellation>;
  /** Why a job waits, or that it does not; null when there is no such job. */
  whyJob(principal: Principal, id: number): Promise<Why | null>;
  /** The duties: calls that jobs could not make on nodes and that are retried, in the order of their creation. */
  duties(principal: Principal): readonly ShownDuty[];
  /** Gives up a duty, with a reason for the log: it is not retried. @throws MerapiError not_found */
  giveUpDuty(principal: Principal, uuid: string, why: string): Promise<void>;
  /** The stored events of the cluster. */
  events(principal: Principal): EventFeed;
  /** Yields the events after an id, the stored ones first and then new ones as they happen. A page reports a gap if events are lost. */
  follow(principal: Principal, options: FollowOptions): AsyncIterable<EventPage>;
  /** The state and the settings of the job queue. */
  queueState(principal: Principal): QueueState;
  /** Changes the given settings of the job queue. */
  setQueue(principal: Principal, settings: QueueSettings): Promise<void>;
  /** Archives a job that has ended: it is no longer listed. @throws MerapiError not_found, wrong_state when it has not ended */
  archiveJob(principal: Principal, id: number): Promise<void>;
  /** Archives all jobs that ended at least `age` seconds ago; returns how many. */
  archiveJobs(principal: Principal, age: number): Promise<number>;
  /** Waits for a job as JobWait says; null when the time is over or the signal fires first. @throws MerapiError forbidden, not_found */
  waitForJob(principal: Principal, id: number, wait: JobWait): Promise<Job | null>;
  /** The job filters, in the order in which they are evaluated. */
  filters(principal: Principal): readonly JobFilter[];
  /**
   * Creates a job filter with a new uuid (null) or the given one, replacing the filter that has it; returns the uuid. The filters are
   * then applied again to all jobs that have not started. @throws MerapiError wrong_input for a wrong predicate
   */
  putFilter(principal: Principal, uuid: string | null, filter: FilterInput): Promise<string>;
  /** Removes a job filter. @throws MerapiError not_found */
  removeFilter(principal: Principal, uuid: string): Promise<void>;
  /** The cluster itself; the same object until it changes, so that a surface can cache what it derives from it. */
  cluster(principal: Principal): ShownCluster;
  /** The tags of an object. @throws MerapiError not_found */
  tags(principal: Principal, kind: TagKind, name: string | null): string[];
  /** The names of the OS definitions that are valid on all usable nodes and neither hidden nor blacklisted, variants as OS+VARIANT. */
  osNames(principal: Principal): Promise<string[]>;
}
