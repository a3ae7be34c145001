import { type Failure, MerapiError, toFailure } from '../base/errors.ts';
import { type Json, parseJson } from '../base/json.ts';
import type { Grant } from '../locks/manager.ts';
import { isFinal, type Job, type JobStatus, type LogType, type OpInput } from '../model/job.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { Done } from '../units/define.ts';
import { withCurrent } from './current.ts';
import { Abandoned, Journal } from './journal.ts';
import type { PreparedJob, RunnerParts } from './parts.ts';
import { perform, versionOf } from './perform.ts';
import { JobRecord } from './record.ts';
import { admitted, dependenciesEnded, lockFor } from './waiting.ts';

/** One job on its way from the queue to its end. */
export class JobRun {
  readonly id: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #cancel = new AbortController();
  readonly #record: JobRecord;
  readonly #grants = new Map<number, Grant>();
  /** Since when an opcode waits for locks or for other jobs, if one does now; this is not stored. */
  #waitingSince: number | null = null;
  /** Whether the job filters have not let it begin yet. */
  #isAtGate = false;

  constructor(parts: RunnerParts, stored: StoredJob) {
    this.#parts = parts;
    this.#stored = stored;
    this.id = stored.job.id;
    this.#record = new JobRecord(stored, parts.clock);
    for (const [op, locks] of stored.locks) {
      const wanted = locks.filter(() => !isFinal(this.#record.at(op).status));
      if (wanted.length > 0) this.#grants.set(op, parts.locks.regrant(this.#owner(op), wanted));
    }
    if (this.#record.isCanceling) this.#cancel.abort(canceled());
    if (this.#record.isRunning) parts.slots.resume(this.id);
  }

  /** Takes the job back if none of its opcodes runs; false when one does. */
  cancel(): boolean {
    if (this.#waitingSince === null && !this.#isAtGate) return false;
    this.#cancel.abort(canceled());
    return true;
  }

  /** Lets the job stop before its next step. Resolves when that is on disk, so that a crash does not forget it. */
  async cancelRunning(): Promise<void> {
    if (this.#cancel.signal.aborted) return;
    this.#record.isCanceling = true;
    await this.#parts.store.commit({ job: this.id }, () => [{ change: 'job-cancel', job: this.id }]);
    this.#cancel.abort(canceled());
    this.#parts.onChange(this.id);
  }

  /** A stored state of the job with what is not stored: which opcode waits, or runs and has written nothing yet. */
  overlay(job: Job): Job {
    return withCurrent(job, this.#waitingSince, this.#record.ops);
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  async run(): Promise<void> {
    if (!(await this.#admitted())) {
      await this.#end(this.#journal(0), 0, 'canceled', null);
      return;
    }
    for (const index of this.#record.ops.keys()) {
      if (isFinal(this.#record.at(index).status)) continue;
      const ended = await this.#runOp(index);
      if (ended !== 'success') return;
    }
  }

  /** Waits until the job filters let it begin; false when it is not to begin any more. */
  async #admitted(): Promise<boolean> {
    const { gate, log, endOf } = this.#parts;
    const ops = this.#record.ops.map(({ input }) => input);
    if (this.#record.hasBegun) {
      gate.resume({ id: this.id, ops });
      return true;
    }
    const reject = () => {
      log.info({ job: this.id }, 'a job filter rejects a job');
      this.#cancel.abort(new MerapiError('canceled', 'A job filter rejects the job'));
    };
    const job = { id: this.id, ops, priority: this.#stored.job.priority, reject };
    this.#isAtGate = true;
    try {
      return await admitted(gate, job, endOf, this.#cancel.signal, () => this.#wait());
    } finally {
      this.#isAtGate = false;
      this.#waitingSince = null;
    }
  }

  #journal(index: number): Journal {
    return new Journal(
      this.#parts.store,
      this.id,
      index,
      { steps: this.#stored.steps, undo: this.#stored.undo.get(index) ?? null },
      this.#cancel.signal,
      () => this.#parts.onChange(this.id),
    );
  }

  async #runOp(index: number): Promise<JobStatus> {
    const journal = this.#journal(index);
    let grant = this.#grants.get(index);
    try {
      const params = this.#params(index);
      if (!grant) {
        grant = await this.#begin(index, params);
        const unit = versionOf(params);
        journal.later({ change: 'op-hold', job: this.id, op: index, locks: grant.locks, unit });
        journal.later(...this.#record.started(index));
      } else this.#checkVersion(index, params);
      await this.#perform(index, journal, params, () => this.#leave(grant));
      return 'success';
    } catch (error) {
      // An abandoned job keeps what it holds: nobody may touch what it left half done before the next start.
      if (error instanceof Abandoned) throw error;
      if (this.#cancel.signal.aborted && !grant) return await this.#end(journal, index, 'canceled', null);
      if (!(error instanceof MerapiError))
        this.#parts.log.error({ job: this.id, err: error }, 'an opcode failed unexpectedly');
      const failure = journal.undoing ?? toFailure(error);
      const astray = journal.unvisited().map((name) => `${name}: the step was not come to again`);
      for (const left of [...(await journal.undo(failure)), ...astray])
        this.#log(index, journal, `Could not be undone: ${left}`);
      const status = failure.code === 'canceled' ? 'canceled' : 'error';
      const end = () => this.#leave(grant);
      return await this.#end(journal, index, status, status === 'canceled' ? null : failure, end);
    }
  }

  /** Waits for the jobs that the opcode depends on, then for its locks. */
  async #begin(index: number, params: OpInput): Promise<Grant> {
    const { signal } = this.#cancel;
    this.#wait();
    const onGrant = () => {
      this.#waitingSince = null;
    };
    try {
      await dependenciesEnded(params, this.#parts.endOf, signal);
      const claimant = { owner: this.#owner(index), age: this.id, signal, onGrant };
      const grant = await lockFor(params, this.#parts, claimant);
      try {
        this.#waitingSince ??= this.#parts.clock.seconds();
        await this.#parts.slots.take(this.id, this.#stored.job.priority, signal);
        return grant;
      } catch (error) {
        grant.release();
        throw error;
      }
    } finally {
      this.#waitingSince = null;
    }
  }

  /** Gives up locks and slot. What comes next is written after what this opcode wrote, so it need not wait for the disk. */
  #leave(grant: Grant | undefined): void {
    grant?.release();
    this.#parts.slots.leave(this.id);
  }

  /** @throws MerapiError execution when another release of Merapi began the opcode in another way */
  #checkVersion(index: number, params: OpInput): void {
    const began = this.#stored.units.get(index) ?? 1;
    if (began === versionOf(params)) return;
    const steps = this.#stored.steps.filter(({ op }) => op === index).map(({ name }) => name);
    throw new MerapiError(
      'execution',
      `Another release of Merapi began this (version ${began} of ${params.OP_ID}, here ${versionOf(params)}), so it can neither go on nor be undone. Steps that began: ${steps.join(', ') || 'none'}`,
    );
  }

  #wait(): void {
    this.#waitingSince = this.#parts.clock.seconds();
    this.#parts.onChange(this.id);
  }

  async #perform(index: number, journal: Journal, params: OpInput, onQueued: () => void): Promise<void> {
    const done = await perform(this.#parts, journal, params, {
      scope: `${this.id}@${this.#stored.job.received}/${index}`,
      log: (text, type) => this.#log(index, journal, text, type),
      resolve: (values) => journal.later(this.#record.resolve(index, values)),
    });
    await this.#succeed(index, journal, done, onQueued);
  }

  /** The end of an opcode is one transaction with its last changes, and with the end of the job if it is the last one. */
  async #succeed(index: number, journal: Journal, done: Done<Json>, onQueued: () => void): Promise<void> {
    const before = this.#record.at(index);
    const end = this.#parts.clock.seconds();
    const jobs = this.#followers(index, done);
    const result = done.jobs
      ? { ...(done.result as { [key: string]: Json }), jobs: jobs.map(({ id }) => [true, id]) }
      : (done.result ?? null);
    const changes: Change[] = [
      ...jobs.map((job) => job.change),
      this.#record.set(index, { status: 'success', result, end }),
    ];
    if (index === this.#record.ops.length - 1) changes.push(...this.#record.ended('success', end));
    try {
      await journal.write((view) => [...(done.changes?.(view) ?? []), ...changes], onQueued);
    } catch (error) {
      this.#record.ops[index] = before;
      throw error;
    }
    for (const job of jobs) job.go();
  }

  /** The jobs that an opcode leaves behind; what it says of itself they say too, unless they say something else. */
  #followers(index: number, { jobs = [] }: Done<Json>): PreparedJob[] {
    const { OP_ID, priority, debug_level, reason } = this.#record.at(index).input;
    return jobs.map((ops) =>
      this.#parts.prepare(
        ops.map((op) => ({ priority, debug_level, reason, comment: `Submitted by ${OP_ID}`, ...op })),
      ),
    );
  }

  async #end(
    journal: Journal,
    index: number,
    status: 'error' | 'canceled',
    failure: Failure | null,
    onQueued?: () => void,
  ): Promise<JobStatus> {
    const end = this.#parts.clock.seconds();
    const skipped = failure && { code: 'execution' as const, message: 'An earlier opcode of the job failed' };
    for (let op = index; op < this.#record.ops.length; op++)
      journal.later(this.#record.set(op, { status, failure: op === index ? failure : skipped, end }));
    await journal.write(() => this.#record.ended(status, end), onQueued);
    return status;
  }

  #log(index: number, journal: Journal, text: string, type: LogType = 'message'): void {
    journal.later(...this.#record.line(index, text, type));
  }

  /** The opcode's values with its secrets. */
  #params(index: number): OpInput {
    const { input } = this.#record.at(index);
    const sealed = this.#stored.secrets.get(index);
    return sealed ? { ...input, ...(parseJson(this.#parts.seal.open(sealed)) as OpInput) } : input;
  }

  #owner(index: number): string {
    return `${this.id}/${index}`;
  }
}

function canceled(): MerapiError {
  return new MerapiError('canceled', 'The job was canceled');
}
