import { EventEmitter } from 'node:events';
import { MerapiError } from '../base/errors.ts';
import type { LockState } from '../locks/manager.ts';
import type { JobFilter } from '../model/filter.ts';
import { isFinal, type Job, type JobStatus, type OpInput } from '../model/job.ts';
import { put, remove } from '../store/changes.ts';
import type { Store } from '../store/store.ts';
import type { Build } from '../units/define.ts';
import { Gate } from './gate.ts';
import { Abandoned, abandonText } from './journal.ts';
import type { PreparedJob, RunnerParts } from './parts.ts';
import { newJob } from './prepare.ts';
import { ruleOf, shownPredicates } from './rules.ts';
import { JobRun } from './run.ts';
import { Slots } from './slots.ts';

/** All jobs that have not ended, from their submission to their end. */
export class JobQueue {
  readonly #parts: RunnerParts;
  readonly #runs = new Map<number, JobRun>();
  readonly #changes = new EventEmitter();
  /** The last id that was given away; null until the jobs of the last life are taken up. */
  #lastId: number | null = null;
  /** Whether jobs only wait here, for the next life. */
  #held = false;
  #closed = false;

  constructor(parts: Omit<RunnerParts, 'gate' | 'slots' | 'endOf' | 'onChange' | 'prepare'>) {
    this.#parts = {
      ...parts,
      store: this.#whileOpen(parts.store),
      gate: new Gate(),
      slots: new Slots(() => parts.store.view.cluster.max_running_jobs),
      endOf: (job, signal) => this.#endOf(job, signal),
      onChange: (job) => this.#changes.emit(String(job)),
      prepare: (inputs) => this.#prepare(inputs),
    };
    this.#changes.setMaxListeners(0);
    parts.store.onChange(() => this.#parts.slots.serve());
  }

  /**
   * Takes up every job that the last life of the master left: first what they hold, then they go on; unless `held`: then no
   * job goes on in this life, those that are submitted neither.
   */
  async start(held = false): Promise<void> {
    const { jobs } = this.#parts.store;
    this.#held = held;
    this.#lastId = await jobs.lastId();
    const runs = (await jobs.unfinished()).map((stored) => new JobRun(this.#parts, stored));
    this.#parts.gate.apply(this.#parts.store.view.filters);
    for (const run of runs) this.#runs.set(run.id, run);
    for (const run of runs) this.#go(run);
  }

  /**
   * Checks opcodes and stores them as a job; answers its id when it is on disk.
   * @throws MerapiError bad_request when an opcode is not right, unavailable when the store cannot be written
   */
  async submit(inputs: readonly OpInput[]): Promise<number> {
    if (this.#closed) throw new MerapiError('unavailable', 'The master is stopping');
    const prepared = this.#prepare(inputs);
    await this.#parts.store.commit({ job: prepared.id }, () => [prepared.change]);
    prepared.go();
    return prepared.id;
  }

  /** Checks opcodes and gives them the next job's number. */
  #prepare(inputs: readonly OpInput[]): PreparedJob {
    if (this.#lastId === null) throw new MerapiError('unavailable', 'The master is starting');
    const id = this.#lastId + 1;
    const { job, secrets } = newJob(id, inputs, this.#parts);
    this.#lastId = id; // nothing can be wrong with the request any more
    return {
      id,
      change: { change: 'job-add', job, secrets },
      go: () => {
        const nothing = { steps: [], locks: new Map(), undo: new Map(), units: new Map() };
        const run = new JobRun(this.#parts, { job, secrets, ...nothing });
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
   * Cancels a job: whether it is cancelled or will be, and words for it. One that runs stops before its next step, and what it
   * has done is undone.
   */
  async cancel(id: number): Promise<[boolean, string]> {
    const run = this.#runs.get(id);
    if (!run) return [false, `Job ${id} not found in queue`];
    if (!run.cancel()) {
      await run.cancelRunning();
      if (this.#runs.has(id))
        return [
          true,
          `Job ${id} will be canceled: it stops before its next step, and what it has done is undone`,
        ];
    }
    const status = await this.#endOf(id, new AbortController().signal);
    return status === 'canceled'
      ? [true, `Job ${id} canceled`]
      : [false, `Job ${id} has ended in ${status} meanwhile`];
  }

  /**
   * Makes a filter, or replaces the one with its uuid; jobs that have not begun are looked at anew. Its watermark is set here.
   * @throws MerapiError bad_request when a predicate cannot be understood
   */
  async putFilter(filter: Omit<JobFilter, 'watermark'>): Promise<void> {
    if (this.#lastId === null) throw new MerapiError('unavailable', 'The master is starting');
    const made = {
      ...filter,
      predicates: shownPredicates(filter.predicates),
      watermark: this.#lastId,
    };
    ruleOf(made);
    await this.#changeFilters(() => [put('filter', made)]);
  }

  /** Removes a filter. @throws MerapiError not_found */
  async removeFilter(uuid: string): Promise<void> {
    await this.#changeFilters(({ filters }) => {
      if (!filters.some((filter) => filter.uuid === uuid))
        throw new MerapiError('not_found', `There is no job filter ${uuid}`);
      return [remove('filter', uuid)];
    });
  }

  async #changeFilters(build: Build): Promise<void> {
    const { store, gate } = this.#parts;
    await store.commit({ job: null }, build);
    gate.apply(store.view.filters);
  }

  /** Every lock that a job holds or waits for, in no order. */
  locks(): readonly LockState[] {
    return this.#parts.locks.inspect();
  }

  /** Calls back whenever something of the job changed, until the returned function is called. */
  subscribe(id: number, listener: () => void): () => void {
    this.#changes.on(String(id), listener);
    return () => this.#changes.off(String(id), listener);
  }

  /** Takes no more jobs. Those that run are left where they stand; the next start takes them up. */
  close(): void {
    this.#closed = true;
  }

  /** The store as jobs see it: once the queue is closed, nothing of them is written any more, their failures least of all. */
  #whileOpen(store: Store): Store {
    const commit: Store['commit'] = (author, build) => {
      if (this.#closed) return Promise.reject(new MerapiError('unavailable', 'The master is stopping'));
      return store.commit(author, build);
    };
    // Jobs build on what is written, on disk or not yet: their own records come after it.
    return Object.create(store, { commit: { value: commit }, view: { get: () => store.pending } });
  }

  #go(run: JobRun): void {
    if (this.#held) return;
    void run
      .run()
      .catch((error) => {
        if (this.#closed) return;
        const reason = error instanceof Abandoned ? abandonText(error) : error;
        this.#parts.log.error({ job: run.id, err: reason }, 'a job stopped where it stands');
      })
      .finally(() => {
        this.#runs.delete(run.id);
        this.#parts.gate.leave(run.id);
        this.#parts.slots.leave(run.id);
        this.#changes.emit(String(run.id));
      });
  }

  #endOf(id: number, signal: AbortSignal): Promise<JobStatus | null> {
    return new Promise((resolve, reject) => {
      const stop = this.subscribe(id, () => look());
      const abort = () => {
        stop();
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      const finish = (status: JobStatus | null) => {
        stop();
        signal.removeEventListener('abort', abort);
        resolve(status);
      };
      const look = () => {
        if (this.#runs.has(id)) return;
        this.#parts.store.jobs.get(id).then((job) => {
          if (!job || isFinal(job.status)) finish(job?.status ?? null);
        }, reject);
      };
      if (signal.aborted) abort();
      else look();
    });
  }
}
