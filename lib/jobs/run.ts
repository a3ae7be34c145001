import { type Failure, MerapiError, toFailure } from '../base/errors.ts';
import { type Json, parseJson } from '../base/json.ts';
import type { Grant } from '../locks/manager.ts';
import type { JobFilter } from '../model/filter.ts';
import { isFinal, type Job, type JobOp, type JobStatus, type LogType, type OpInput } from '../model/job.ts';
import { ALL } from '../model/locks.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Build, Done } from '../units/define.ts';
import { followersOf } from '../units/steps/followers.ts';
import { Cancel, canceled } from './cancel.ts';
import { withCurrent } from './current.ts';
import { dutiesOf, type Owed, settledBy } from './duties/owed.ts';
import type { Entrant } from './gate.ts';
import { Abandoned, Journal, unwrap } from './journal.ts';
import type { RunnerParts } from './parts.ts';
import { checkVersion, currentParams, perform, versionOf } from './perform.ts';
import { StepProgress } from './progress.ts';
import { JobRecord } from './record.ts';
import { rejectionBy } from './rules.ts';
import { dependenciesEnded, dependsOf, turnOf } from './waiting.ts';

/**
 * One job on its way from the queue to its end. There may be very many that have not begun: until the gate lets it in, a job has
 * nothing but what is stored of it.
 */
export class JobRun implements Entrant {
  readonly id: number;
  readonly priority: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #cancel = new Cancel();
  readonly #record: JobRecord;
  /** What its opcodes held when the last life of the master ended. */
  readonly #grants: ReadonlyMap<number, Grant> = new Map();
  /** Since when an opcode waits for locks or for other jobs, if one does now; this is not stored. */
  #waitingSince: number | null = null;
  /** The words of the filter that rejects the job. */
  #rejection: string | null = null;
  /** Lets it begin, while the job filters or other jobs keep it from that. */
  #begins: (() => void) | null = null;
  /** The journal of the opcode that runs, or ran last. */
  #running: Journal | null = null;
  #progress: StepProgress | null = null;

  constructor(parts: RunnerParts, stored: StoredJob) {
    this.#parts = parts;
    this.#stored = stored;
    this.id = stored.job.id;
    this.priority = stored.job.priority;
    this.#record = new JobRecord(stored, parts.clock);
    if (stored.locks.size > 0) this.#grants = this.#regranted(stored.locks);
    if (this.#record.isCanceling) this.#cancel.abort(canceled());
    if (this.#record.isRunning) parts.slotsOf(stored.job).resume(this.id);
  }

  /** Takes the job back if none of its opcodes runs; false when one does. */
  cancel(): boolean {
    const isBeginning = this.#running !== null && !this.#record.hasBegun; // it has its locks, and its slot, this very moment
    if (this.#waitingSince === null && !this.#isAtGate && !isBeginning) return false;
    this.#stop(canceled());
    return true;
  }

  /** Lets the job stop before its next step. Resolves when that is on disk, so that a crash does not forget it. */
  async cancelRunning(): Promise<void> {
    if (this.#cancel.reason) return;
    // After what the opcode kept back, its beginning among it.
    await (this.#running ?? this.#journal(0)).write(() => this.#record.canceling()).catch(unwrap);
    this.#cancel.abort(canceled());
    this.#parts.onChange(this.id);
  }

  /** Whether its opcode has done what cannot be undone, and so goes on to its end. */
  get isOnward(): boolean {
    return this.#running?.isOnward === true;
  }

  /** Lets the job fail before its next step, or at its end; before it is run. */
  fail(error: MerapiError): void {
    this.#cancel.abort(new MerapiError('internal_error', error.message, { cause: error }));
  }

  /** Lets the job stop where it stands, and write nothing more. */
  abandon(): void {
    this.#begins = null; // it never does
    this.#cancel.abort(new Abandoned('the store cannot be written'));
  }

  /** Its opcodes as they are now, on disk or not yet. */
  get ops(): readonly JobOp[] {
    return this.#record.ops;
  }

  /** A stored state of the job with what is not stored: which opcode waits, or runs and has written nothing yet. */
  overlay(job: Job): Job {
    return withCurrent(job, this.#waitingSince, this.#record.ops, this.#progress?.current);
  }

  get inputs(): readonly OpInput[] {
    return this.#record.ops.map(({ input }) => input);
  }

  /** Waits until the job filters let it begin and the jobs that it depends on have ended, or until it is cancelled: then `begin`. */
  enter(begin: () => void): void {
    const { gate, endOf } = this.#parts;
    if (this.#record.hasBegun || this.#cancel.reason) {
      if (this.#record.hasBegun) gate.resume(this);
      begin();
      return;
    }
    this.#begins = begin;
    const others = this.inputs.flatMap((op) => dependsOf(op).map(([id]) => id));
    gate.enter(this, others.length > 0);
    if (others.length === 0) return;
    if (this.#isAtGate) this.#wait();
    const unblock = () => gate.unblock(this.id); // what is wrong with a dependency, its opcode will say
    Promise.all(others.map((id) => endOf(id, this.#cancel.signal))).then(unblock, unblock);
  }

  start(): void {
    const begin = this.#begins;
    [this.#begins, this.#waitingSince] = [null, null];
    begin?.();
  }

  reject(filter: JobFilter): void {
    this.#rejection = rejectionBy(filter);
    this.#parts.log.info({ job: this.id, filter: filter.uuid }, 'a job filter rejects a job');
    this.#stop(new MerapiError('canceled', this.#rejection));
  }

  get #isAtGate(): boolean {
    return this.#begins !== null;
  }

  #stop(reason: Error): void {
    this.#cancel.abort(reason);
    if (!this.#isAtGate) return;
    this.#parts.gate.leave(this.id);
    this.start();
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  async run(): Promise<void> {
    if (this.#cancel.reason && !this.#record.hasBegun) {
      await this.#endUnbegun(this.#journal(0), 0);
      return;
    }
    for (const index of this.#record.ops.keys()) {
      if (isFinal(this.#record.at(index).status)) continue;
      const ended = await this.#runOp(index);
      if (ended !== 'success') return;
    }
  }

  #regranted(stored: StoredJob['locks']): ReadonlyMap<number, Grant> {
    const grants = new Map<number, Grant>();
    for (const [op, locks] of stored)
      if (locks.length > 0 && !isFinal(this.#record.at(op).status))
        grants.set(op, this.#parts.locks.regrant(this.#owner(op), locks));
    return grants;
  }

  #journal(index: number): Journal {
    return new Journal(
      this.#parts.store,
      this.id,
      index,
      { steps: this.#stored.steps, undo: this.#stored.undo.get(index) ?? null },
      this.#cancel.signal,
      () => this.#parts.onChange(this.id),
      (err, step) => this.#parts.log.error({ job: this.id, step, err }, 'a step failed unexpectedly'),
    );
  }

  async #runOp(index: number): Promise<JobStatus> {
    const journal = this.#journal(index);
    this.#running = journal;
    let grant = this.#grants.get(index);
    try {
      const params = this.#params(index);
      if (this.#stored.locks.has(index)) checkVersion(index, params, this.#stored);
      if (!grant) {
        grant = await this.#begin(index, params);
        const unit = versionOf(params);
        journal.later({ change: 'op-hold', job: this.id, op: index, locks: grant.locks, unit });
        journal.later(...this.#record.started(index));
      }
      await this.#perform(index, journal, params, grant);
      return 'success';
    } catch (error) {
      // An abandoned job keeps what it holds: nobody may touch what it left half done before the next start.
      if (error instanceof Abandoned) throw error;
      if (this.#cancel.reason && !grant) return await this.#endUnbegun(journal, index);
      if (!(error instanceof MerapiError))
        this.#parts.log.error({ job: this.id, err: error }, 'an opcode failed unexpectedly');
      const failure = journal.undoing ?? toFailure(error);
      const { lines, owed } = await journal.reverse(failure);
      for (const line of lines) this.#log(index, journal, line);
      const status = failure.code === 'canceled' ? 'canceled' : 'error';
      const end = () => this.leave(grant);
      const told = status === 'canceled' ? null : failure;
      return await this.#end(journal, index, status, told, end, this.#duties(index, owed, grant));
    }
  }

  /** Waits for the jobs that the opcode depends on, then for its locks and its slot. */
  async #begin(index: number, params: OpInput): Promise<Grant> {
    const { signal } = this.#cancel;
    this.#wait();
    try {
      await dependenciesEnded(params, this.#parts.endOf, signal);
      return await turnOf(params, this.#parts, this.#parts.slotsOf(this.#stored.job), {
        owner: this.#owner(index),
        job: this.id,
        priority: this.priority,
        signal,
        onGrant: () => {
          this.#waitingSince = this.#parts.clock.seconds();
        },
      });
    } finally {
      this.#waitingSince = null;
    }
  }

  /** Gives up what an opcode holds, and its slot. What comes next is written after what this opcode wrote, so it need not wait for the disk. */
  leave(grant?: Grant): void {
    grant?.release();
    this.#parts.slotsOf(this.#stored.job).leave(this.id);
  }

  #wait(): void {
    this.#waitingSince = this.#parts.clock.seconds();
    this.#parts.onChange(this.id);
  }

  async #perform(index: number, journal: Journal, params: OpInput, grant: Grant): Promise<void> {
    const done = await perform(this.#parts, journal, params, {
      scope: this.#scope(index),
      log: (text, type) => this.#log(index, journal, text, type),
      resolve: (values) => journal.later(this.#record.resolve(index, values)),
      progress: this.#progressOf(index, journal),
      job: index > 0 ? [] : this.#record.ops.map((_, each) => () => this.#params(each)),
    });
    const { reason } = this.#cancel;
    if (reason instanceof MerapiError && reason.code === 'internal_error') throw reason;
    await this.#succeed(index, journal, done, grant);
  }

  #progressOf(index: number, journal: Journal): StepProgress {
    this.#progress = new StepProgress(this.#parts.clock, {
      onChange: () => this.#parts.onChange(this.id),
      log: (text) => {
        this.#log(index, journal, text);
        // Where it cannot be written, the next record of the opcode says so.
        journal.write().catch(() => undefined);
      },
    });
    return this.#progress;
  }

  /** The end of an opcode is one transaction with its last changes, and with the end of the job if it is the last one. */
  async #succeed(index: number, journal: Journal, done: Done<Json>, grant: Grant): Promise<void> {
    const before = this.#record.at(index);
    const end = this.#parts.clock.seconds();
    const followers = (done.jobs ?? []).map((ops) => followersOf(before.input, ops));
    const jobs = followers.map((ops) => this.#parts.prepare(ops));
    const result = done.jobs
      ? { ...(done.result as { [key: string]: Json }), jobs: jobs.map(({ id }) => [true, id]) }
      : (done.result ?? null);
    const resolved = { ...before.resolved, ...done.shown?.(followers) };
    const changes: Change[] = [
      ...jobs.map((job) => job.change),
      this.#record.set(index, { status: 'success', result, end, resolved }),
    ];
    const ended = () => (index === this.#record.ops.length - 1 ? this.#record.ended('success', end) : []);
    const duties = this.#duties(index, journal.owed, grant);
    const build: Build = (view) => [
      ...(done.changes?.(view) ?? []),
      ...settledBy(view, journal.made),
      ...duties(view),
      ...changes,
      ...ended(),
    ];
    try {
      await journal.write(build, () => this.leave(grant));
    } catch (error) {
      this.#record.ops[index] = before;
      throw error;
    }
    for (const job of jobs) job.go();
  }

  /** Ends the job at an opcode that has not begun: it was cancelled, or has to fail. */
  #endUnbegun(journal: Journal, index: number): Promise<JobStatus> {
    const failure = toFailure(this.#cancel.reason);
    if (this.#rejection !== null) this.#log(index, journal, this.#rejection);
    return failure.code === 'canceled'
      ? this.#end(journal, index, 'canceled', null)
      : this.#end(journal, index, 'error', failure);
  }

  async #end(
    journal: Journal,
    index: number,
    status: 'error' | 'canceled',
    failure: Failure | null,
    onQueued?: () => void,
    more: Build = () => [],
  ): Promise<JobStatus> {
    const end = this.#parts.clock.seconds();
    const skipped = failure && { code: 'execution' as const, message: 'An earlier opcode of the job failed' };
    for (let op = index; op < this.#record.ops.length; op++)
      journal.later(this.#record.set(op, { status, failure: op === index ? failure : skipped, end }));
    await journal.write((view) => [...more(view), ...this.#record.ended(status, end)], onQueued);
    return status;
  }

  /** What makes duties of what an opcode owes, for the transaction that ends it. */
  #duties(index: number, owed: readonly Owed[], grant: Grant | undefined): Build {
    const held = grant?.locks ?? [];
    const instances = held.filter(({ level, name }) => level === 'instance' && name !== ALL);
    return (view) =>
      dutiesOf(view, owed, {
        job: this.id,
        opcode: this.#record.at(index).input.OP_ID,
        scope: `${this.#scope(index)}/`,
        instances: instances.map(({ name }) => name),
        now: this.#parts.clock.seconds(),
        random: this.#parts.random,
      });
  }

  /** Names an opcode of the job among all of all times. */
  #scope(index: number): string {
    return `${this.id}@${this.#stored.job.received}/${index}`;
  }

  #log(index: number, journal: Journal, text: string, type: LogType = 'message'): void {
    journal.later(...this.#record.line(index, text, type));
  }

  /** The opcode's values with its secrets. */
  #params(index: number): OpInput {
    const { input } = this.#record.at(index);
    const sealed = this.#stored.secrets.get(index);
    const params = sealed ? { ...input, ...(parseJson(this.#parts.seal.open(sealed)) as OpInput) } : input;
    return this.#stored.locks.has(index) ? params : currentParams(params, this.#stored);
  }

  #owner(index: number): string {
    return `${this.id}/${index}`;
  }
}
