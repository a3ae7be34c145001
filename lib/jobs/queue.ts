// All jobs that have not ended: submission, cancel, and recovery.
//
// | the queue is | by | jobs |
// | --- | --- | --- |
// | starting | the constructor, suspend() | cannot be submitted; stored ones are read |
// | started | start() | run |
// | held | start(true) | can be submitted, and wait for the next start of the master |
// | closed | close() | cannot be submitted; running ones stop without an end |
//
// A session is the time from one start() to suspend() or close(). When the store fails, the memory of the session may contain what
// never became durable; so suspend() throws it away as a whole (runs, locks, slots, gate, duties), and the next start() begins with
// what is durable, as after a crash. FencedStore keeps the jobs of an old session from writing.
import { unattended } from '../base/background.ts';
import { MerapiError } from '../base/errors.ts';
import { LockManager, type LockState } from '../locks/manager.ts';
import type { JobFilter } from '../model/filter.ts';
import type { Job, JobStatus, OpInput } from '../model/job.ts';
import { changed } from '../model/object.ts';
import { isReading } from '../opcodes/define.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import { put, remove } from '../store/changes.ts';
import { NOTHING_DONE } from '../store/stored-job.ts';
import type { Build } from '../units/define.ts';
import { BRIEF_SLOTS, BriefJobs, briefLimits } from './brief.ts';
import type { Cancellation } from './cancel.ts';
import { Durations } from './durations.ts';
import { Duties } from './duties/keeper.ts';
import { endOf } from './end-of.ts';
import { puttingFilter, removingFilter } from './filters.ts';
import { Gate } from './gate.ts';
import { Abandoned, abandonText } from './journal.ts';
import { type KeyedRequest, Keys } from './keys.ts';
import type { PreparedJob, QueueParts, RunnerParts } from './parts.ts';
import { newJob } from './prepare.ts';
import { JobRun } from './run.ts';
import { patchOf, type QueueSettings, type QueueState, queueState } from './settings.ts';
import { Slots } from './slots.ts';
import { FencedStore } from './store.ts';
import { dependsOf } from './waiting.ts';
import { Watchers } from './watchers.ts';
import { explain, type Why } from './why.ts';

/** Why no job can be submitted before start() has ended. */
const STARTING = 'The stored jobs are being read; new jobs are accepted as soon as that is done';
/** How many of the last jobs the estimates are first based on. */
const LEARNT = 300;

/** The job queue of the master. */
export class JobQueue {
  readonly #given: QueueParts;
  /** The dependencies of the jobs of this session. */
  #parts: RunnerParts;
  #session = { isOver: false };
  #duties: Duties;
  readonly #runs = new Map<number, JobRun>();
  readonly watchers = new Watchers();
  readonly #keys: Keys;
  readonly #brief: BriefJobs;
  readonly #durations = new Durations();
  /** The jobs whose own records could not be stored, with the errors. They fail when they are resumed; after the second time they stay. */
  readonly #blamed = new Map<number, { error: MerapiError; times: number }>();
  /** The number of the last job; null while the stored jobs are being read. */
  #lastId: number | null = null;
  /** Whether no job runs before the next start of the master. */
  #held = false;
  #closed = false;

  constructor(parts: QueueParts) {
    this.#given = parts;
    this.#parts = this.#partsOf(this.#session, parts.locks);
    this.#duties = new Duties(this.#parts);
    this.#keys = new Keys(parts.store, parts.seal);
    this.#brief = new BriefJobs(parts.clock, briefLimits);
    let known = parts.store.view.duties;
    parts.store.onChange(({ duties }) => {
      this.#parts.slots.serve();
      if (duties !== known) this.#duties.check();
      known = duties;
    });
  }

  /**
   * Resumes all unfinished jobs: first all of them get their stored locks back, then they run. With `held` none runs, new ones neither.
   * @throws MerapiError unavailable when the store cannot be read, or suspend() was called meanwhile
   */
  async start(held = false): Promise<void> {
    const [parts, session] = [this.#parts, this.#session];
    const { jobs } = parts.store;
    this.#held = held;
    const lastId = await jobs.lastId();
    for (const job of await jobs.between(lastId - LEARNT, lastId)) this.#durations.learn(job);
    const runs: JobRun[] = [];
    for await (const stored of jobs.unfinished()) runs.push(new JobRun(parts, stored));
    if (session.isOver) throw new MerapiError('unavailable', 'The store could not be written meanwhile');
    this.#lastId = lastId; // new jobs are accepted only now: none of them may be among those that were read
    parts.gate.apply(parts.store.pending.filters);
    this.#duties.resume();
    for (const run of runs) this.#runs.set(run.id, run);
    for (const run of runs) this.#go(run);
    if (!held) this.#duties.start();
  }

  /**
   * Ends the session because the store cannot be written: stops every job without an end and drops their state in memory, which may
   * never have become durable. No jobs are accepted until start().
   */
  suspend(): void {
    this.#session.isOver = true;
    this.#session = { isOver: false };
    this.#lastId = null;
    for (const run of this.#runs.values()) run.abandon();
    for (const id of this.#runs.keys()) this.#brief.ended(id);
    this.#runs.clear();
    this.#duties.stop();
    this.#parts = this.#partsOf(this.#session, new LockManager());
    this.#duties = new Duties(this.#parts);
  }

  /** Makes a job fail in the next session, because its own record could not be stored. */
  blame(id: number, error: MerapiError): void {
    this.#blamed.set(id, { error, times: (this.#blamed.get(id)?.times ?? 0) + 1 });
  }

  #partsOf(session: { readonly isOver: boolean }, locks: LockManager): RunnerParts {
    const { store } = this.#given;
    const slots = new Slots(() => store.view.cluster.max_running_jobs);
    const briefSlots = new Slots(() => BRIEF_SLOTS);
    return {
      ...this.#given,
      locks,
      store: new FencedStore(store, () => this.#closed || session.isOver),
      gate: new Gate(),
      slots,
      slotsOf: ({ brief }) => (brief ? briefSlots : slots),
      endOf: (job, signal) => this.#endOf(job, signal),
      onChange: (job) => this.watchers.notify(job),
      prepare: (inputs) => this.#prepare(inputs),
    };
  }

  /**
   * Validates opcodes and stores them as a job; returns its number when it is durable.
   * @param request makes a repeated request with the same key return the first one's job
   * @param user whose limits for read-only jobs count; null is the anonymous user
   * @throws MerapiError wrong_input when an opcode is not valid, conflict when another request had the key, unavailable when the
   * store cannot be written, the queue is drained or starting, or the user's limit of read-only jobs is reached
   */
  async submit(
    inputs: readonly OpInput[],
    request: KeyedRequest | null = null,
    user: string | null = null,
  ): Promise<number> {
    const submit = inputs.every((input) => isReading(opcodeOf(input.OP_ID)))
      ? (keyed: KeyedRequest | null) =>
          this.#brief.submit(user, (onStored) => this.#submit(inputs, keyed, onStored))
      : (keyed: KeyedRequest | null) => this.#submit(inputs, keyed);
    return request === null ? submit(null) : this.#keys.once(request, submit);
  }

  async #submit(
    inputs: readonly OpInput[],
    request: KeyedRequest | null,
    onStored?: (id: number) => void,
  ): Promise<number> {
    if (this.#closed) throw new MerapiError('unavailable', 'The master is stopping');
    const { failure } = this.#given.store;
    if (failure) throw failure;
    if (this.#parts.store.pending.cluster.queue_drained)
      throw new MerapiError(
        'unavailable',
        'The job queue is drained: it accepts no jobs until this is unset',
      );
    const prepared = this.#prepare(inputs);
    const time = this.#parts.clock.seconds();
    await this.#parts.store.commit({ job: prepared.id }, () => [
      prepared.change,
      ...(request ? [{ change: 'key-add' as const, ...request, job: prepared.id, time }] : []),
    ]);
    onStored?.(prepared.id);
    prepared.go();
    return prepared.id;
  }

  /** Validates opcodes, and assigns them the next job number. @throws MerapiError wrong_input, unavailable */
  #prepare(inputs: readonly OpInput[]): PreparedJob {
    if (this.#lastId === null) throw new MerapiError('unavailable', STARTING);
    const id = this.#lastId + 1;
    const { job, secrets } = newJob(id, inputs, this.#parts);
    this.#lastId = id; // assigned only now, so that a request that is not valid uses up no number
    return {
      id,
      change: { change: 'job-add', job, secrets },
      go: () => {
        const run = new JobRun(this.#parts, { ...NOTHING_DONE, job, secrets });
        this.#runs.set(id, run);
        this.#go(run);
      },
    };
  }

  /** A job as it is now, archived ones included. */
  async get(id: number): Promise<Job | null> {
    const job = await this.#parts.store.jobs.get(id);
    return job && (this.#runs.get(id)?.overlay(job) ?? job);
  }

  /** All jobs that are not archived, as they are now, in the order of their ids. */
  async *all(): AsyncGenerator<Job> {
    for await (const job of this.#parts.store.jobs.all()) yield this.#runs.get(job.id)?.overlay(job) ?? job;
  }

  /**
   * Cancels a job. A waiting job ends at once; a running one stops before its next step and is undone. One that has passed the point of
   * no return is not canceled.
   * @throws MerapiError unavailable when the store cannot be written
   */
  async cancel(id: number): Promise<Cancellation> {
    const run = this.#runs.get(id);
    if (!run) return { canceled: false, text: `Job ${id} not found in queue` };
    if (run.isIrreversible)
      return {
        canceled: false,
        text: `Job ${id} can no longer be canceled: what it has done cannot be undone, so it runs to its end`,
      };
    if (!run.cancel()) {
      await run.cancelRunning();
      if (this.#runs.has(id))
        return {
          canceled: true,
          text: `Job ${id} will be canceled: it stops before its next step, and what it has done is undone; if no step is left, it ends normally`,
        };
    }
    const status = await this.#endOf(id, new AbortController().signal);
    return status === 'canceled'
      ? { canceled: true, text: `Job ${id} canceled` }
      : { canceled: false, text: `Job ${id} has ended in ${status} meanwhile` };
  }

  /** The settings and the current load of the queue. */
  get state(): QueueState {
    const { view, failure } = this.#given.store;
    const trouble = failure?.message ?? (this.#lastId === null ? STARTING : null);
    return queueState(view, trouble, this.#parts.slots, this.#runs.size);
  }

  /** Changes the settings that are given. */
  async set(settings: QueueSettings): Promise<void> {
    const { store, clock } = this.#parts;
    await store.commit({ job: null }, ({ cluster }) => [
      put('cluster', changed(cluster, patchOf(settings), clock.seconds())),
    ]);
  }

  /**
   * Adds a filter, or replaces the one with its uuid, and decides again about all jobs. Its watermark becomes the last job's number.
   * @throws MerapiError wrong_input when a predicate cannot be parsed
   */
  async putFilter(filter: Omit<JobFilter, 'watermark'>): Promise<void> {
    if (this.#lastId === null) throw new MerapiError('unavailable', STARTING);
    await this.#changeFilters(puttingFilter(filter, this.#lastId));
  }

  /** Removes a filter. @throws MerapiError not_found */
  removeFilter(uuid: string): Promise<void> {
    return this.#changeFilters(removingFilter(uuid));
  }

  async #changeFilters(build: Build): Promise<void> {
    const { store, gate } = this.#parts;
    await store.commit({ job: null }, build);
    gate.apply(store.pending.filters);
  }

  /** Why a job waits, or that it does not; null when there is no such job. */
  async why(id: number): Promise<Why | null> {
    const job = await this.get(id);
    if (!job) return null;
    const { gate, locks, clock } = this.#parts;
    const slots = this.#parts.slotsOf(job);
    const depends: [number, JobStatus | null][] = [];
    for (const { input } of job.ops)
      for (const [other] of dependsOf(input)) depends.push([other, (await this.get(other))?.status ?? null]);
    return explain({
      ...{ job, depends, filter: gate.filterOf(id), locks: locks.inspect() },
      slots: { ...slots.state, waiting: slots.waiting },
      ...{ durations: this.#durations, others: this.#runs, now: clock.seconds() },
    });
  }

  /** To be called when a node (uuid) has begun to answer: its duties are tried at once. */
  nodeAnswers(node: string): void {
    if (!this.#held) this.#duties.nodeAnswers(node);
  }

  /** Removes a duty, so that it is not tried again; `why` goes to the log. @throws MerapiError not_found */
  async giveUp(uuid: string, why: string): Promise<void> {
    const { store, log } = this.#given;
    await store.commit({ job: null }, (view) => {
      if (!view.duty(uuid)) throw new MerapiError('not_found', `There is no duty ${uuid}`);
      return [remove('duty', uuid)];
    });
    log.warn({ duty: uuid, why }, 'a duty was given up');
  }

  /** Every lock that a job or a duty holds or waits for, in no particular order. */
  locks(): readonly LockState[] {
    return this.#parts.locks.inspect();
  }

  /** Calls back whenever something of the job changed, until the returned function is called. */
  subscribe(id: number, listener: () => void): () => void {
    return this.watchers.add(id, listener);
  }

  /** Accepts no more jobs. Running ones write nothing more; the next start of the master resumes them. */
  close(): void {
    this.#closed = true;
    this.#duties.stop();
  }

  #go(run: JobRun): void {
    const blamed = this.#blamed.get(run.id);
    if (blamed) run.fail(blamed.error);
    if (!this.#held && (blamed?.times ?? 0) < 2)
      run.enter(() => unattended(`job ${run.id}`, this.#parts.log, () => this.#run(run)));
  }

  #run(run: JobRun): Promise<void> {
    return run
      .run()
      .catch((error) => {
        if (this.#closed) return;
        const reason = error instanceof Abandoned ? abandonText(error) : error;
        this.#parts.log.error({ job: run.id, err: reason }, 'a job stopped without an end');
      })
      .finally(() => {
        if (this.#runs.get(run.id) !== run) return; // it belongs to an earlier session
        this.#runs.delete(run.id);
        this.#durations.learn(run);
        this.#parts.gate.leave(run.id);
        run.leave();
        this.#brief.ended(run.id);
        this.watchers.notify(run.id);
      });
  }

  #endOf(id: number, signal: AbortSignal): Promise<JobStatus | null> {
    return endOf(id, signal, {
      isUnfinished: (id) => this.#runs.has(id),
      stored: (id) => this.#parts.store.jobs.get(id),
      subscribe: (id, listener) => this.subscribe(id, listener),
    });
  }
}
