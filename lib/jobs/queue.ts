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
import { StoreOfLife } from './store.ts';
import { dependsOf } from './waiting.ts';
import { Watchers } from './watchers.ts';
import { explain, type Why } from './why.ts';

/** Why no job can be submitted until start() has ended. */
const STARTING = 'The stored jobs are being read; new ones are taken as soon as that is done';
/** From how many of the last jobs it is learnt how long they take. */
const LEARNT = 300;

/** All jobs that have not ended, from their submission to their end. */
export class JobQueue {
  readonly #given: QueueParts;
  /** Those of this life of the queue; another one begins after the store could not be written. */
  #parts: RunnerParts;
  #life = { isOver: false };
  #duties: Duties;
  readonly #runs = new Map<number, JobRun>();
  readonly watchers = new Watchers();
  readonly #keys: Keys;
  readonly #brief: BriefJobs;
  readonly #durations = new Durations();
  /** The jobs that were to write what cannot be stored, with the errors; those that did so twice are not run any more. */
  readonly #blamed = new Map<number, { error: MerapiError; times: number }>();
  /** The last id that was given away; null until the jobs of the last life are taken up. */
  #lastId: number | null = null;
  /** Whether jobs only wait here, for the next life. */
  #held = false;
  #closed = false;

  constructor(parts: QueueParts) {
    this.#given = parts;
    this.#parts = this.#partsOf(this.#life, parts.locks);
    this.#duties = new Duties(this.#parts);
    this.#keys = new Keys(parts.store, parts.seal);
    this.#brief = new BriefJobs(parts.clock, briefLimits);
    let known = parts.store.view.duties;
    parts.store.onChange(({ duties }) => {
      this.#parts.slots.serve();
      if (duties !== known) this.#duties.look();
      known = duties;
    });
  }

  /**
   * Takes up every job that the last life of the master left: first what they hold, then they go on; unless `held`: then no
   * job goes on in this life, those that are submitted neither.
   * @throws MerapiError unavailable when the store could not be read, or suspend() came in between
   */
  async start(held = false): Promise<void> {
    const [parts, life] = [this.#parts, this.#life];
    const { jobs } = parts.store;
    this.#held = held;
    const lastId = await jobs.lastId();
    for (const job of await jobs.between(lastId - LEARNT, lastId)) this.#durations.learn(job);
    const runs: JobRun[] = [];
    for await (const stored of jobs.unfinished()) runs.push(new JobRun(parts, stored));
    if (life.isOver) throw new MerapiError('unavailable', 'The store could not be written meanwhile');
    this.#lastId = lastId; // only now new jobs are taken: none of them may be among those that were read
    parts.gate.apply(parts.store.pending.filters);
    this.#duties.resume();
    for (const run of runs) this.#runs.set(run.id, run);
    for (const run of runs) this.#go(run);
    if (!held) this.#duties.start();
  }

  /**
   * Leaves every job where it stands, for the store cannot be written: what they have in memory may never have come to disk. Takes
   * no jobs until start() takes up what is on disk.
   */
  suspend(): void {
    this.#life.isOver = true;
    this.#life = { isOver: false };
    this.#lastId = null;
    for (const run of this.#runs.values()) run.abandon();
    for (const id of this.#runs.keys()) this.#brief.ended(id);
    this.#runs.clear();
    this.#duties.stop();
    this.#parts = this.#partsOf(this.#life, new LockManager());
    this.#duties = new Duties(this.#parts);
  }

  /** Lets a job fail in the next life of the queue, because it was to write what cannot be stored. */
  blame(id: number, error: MerapiError): void {
    this.#blamed.set(id, { error, times: (this.#blamed.get(id)?.times ?? 0) + 1 });
  }

  #partsOf(life: { readonly isOver: boolean }, locks: LockManager): RunnerParts {
    const { store } = this.#given;
    const slots = new Slots(() => store.view.cluster.max_running_jobs);
    const briefSlots = new Slots(() => BRIEF_SLOTS);
    return {
      ...this.#given,
      locks,
      store: new StoreOfLife(store, () => this.#closed || life.isOver),
      gate: new Gate(),
      slots,
      slotsOf: ({ brief }) => (brief ? briefSlots : slots),
      endOf: (job, signal) => this.#endOf(job, signal),
      onChange: (job) => this.watchers.tell(job),
      prepare: (inputs) => this.#prepare(inputs),
    };
  }

  /**
   * Checks opcodes and stores them as a job of a user; answers its id when it is on disk. A request under a key makes one job, however
   * often it comes.
   * @throws MerapiError wrong_input when an opcode is not right, conflict when another request had the key, unavailable when the
   * store cannot be written, or the user has as many jobs that only read as may be
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
      throw new MerapiError('unavailable', 'The job queue is drained: it takes no jobs until that ends');
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

  /** Checks opcodes and gives them the next job's number. */
  #prepare(inputs: readonly OpInput[]): PreparedJob {
    if (this.#lastId === null) throw new MerapiError('unavailable', STARTING);
    const id = this.#lastId + 1;
    const { job, secrets } = newJob(id, inputs, this.#parts);
    this.#lastId = id; // nothing can be wrong with the request any more
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
   * Cancels a job. One that runs stops before its next step, and what it has done is undone; a job that cannot undo what it has done is
   * not canceled.
   */
  async cancel(id: number): Promise<Cancellation> {
    const run = this.#runs.get(id);
    if (!run) return { canceled: false, text: `Job ${id} not found in queue` };
    if (run.isOnward)
      return {
        canceled: false,
        text: `Job ${id} cannot be canceled any more: what it has done cannot be undone, so it goes on to its end`,
      };
    if (!run.cancel()) {
      await run.cancelRunning();
      if (this.#runs.has(id))
        return {
          canceled: true,
          text: `Job ${id} will be canceled: it stops before its next step, and what it has done is undone; if it has no further step, it ends as it would have`,
        };
    }
    const status = await this.#endOf(id, new AbortController().signal);
    return status === 'canceled'
      ? { canceled: true, text: `Job ${id} canceled` }
      : { canceled: false, text: `Job ${id} has ended in ${status} meanwhile` };
  }

  /** What the queue does and is set to. */
  get state(): QueueState {
    const { view, failure } = this.#given.store;
    const trouble = failure?.message ?? (this.#lastId === null ? STARTING : null);
    return queueState(view, trouble, this.#parts.slots, this.#runs.size);
  }

  /** Sets what is given. */
  async set(settings: QueueSettings): Promise<void> {
    const { store, clock } = this.#parts;
    await store.commit({ job: null }, ({ cluster }) => [
      put('cluster', changed(cluster, patchOf(settings), clock.seconds())),
    ]);
  }

  /**
   * Makes a filter, or replaces the one with its uuid; jobs that have not begun are looked at again. Its watermark is set here.
   * @throws MerapiError wrong_input when a predicate cannot be understood
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

  /** Why a job waits, or that it does not; null when there is none. */
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

  /** A node has begun to answer: what is owed there is tried at once. */
  nodeAnswers(node: string): void {
    if (!this.#held) this.#duties.nodeAnswers(node);
  }

  /** Gives a duty up, so that it is tried no more: whoever does that has seen to it, or does not mind. @throws MerapiError not_found */
  async giveUp(uuid: string, why: string): Promise<void> {
    const { store, log } = this.#given;
    await store.commit({ job: null }, (view) => {
      if (!view.duty(uuid)) throw new MerapiError('not_found', `There is no duty ${uuid}`);
      return [remove('duty', uuid)];
    });
    log.warn({ duty: uuid, why }, 'a duty was given up');
  }

  /** Every lock that a job or a duty holds or waits for, in no order. */
  locks(): readonly LockState[] {
    return this.#parts.locks.inspect();
  }

  /** Calls back whenever something of the job changed, until the returned function is called. */
  subscribe(id: number, listener: () => void): () => void {
    return this.watchers.add(id, listener);
  }

  /** Takes no more jobs. Those that run are left where they stand; the next start takes them up. */
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
        this.#parts.log.error({ job: run.id, err: reason }, 'a job stopped where it stands');
      })
      .finally(() => {
        if (this.#runs.get(run.id) !== run) return; // of an earlier life
        this.#runs.delete(run.id);
        this.#durations.learn(run);
        this.#parts.gate.leave(run.id);
        run.leave();
        this.#brief.ended(run.id);
        this.watchers.tell(run.id);
      });
  }

  #endOf(id: number, signal: AbortSignal): Promise<JobStatus | null> {
    return endOf(id, signal, {
      goesOn: (id) => this.#runs.has(id),
      stored: (id) => this.#parts.store.jobs.get(id),
      subscribe: (id, listener) => this.subscribe(id, listener),
    });
  }
}
