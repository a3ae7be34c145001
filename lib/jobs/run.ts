import { MerapiError } from '../base/errors.ts';
import type { Job, JobOp } from '../model/job.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { Admission } from './admission.ts';
import { Cancel, canceled } from './cancel.ts';
import { withCurrent } from './current.ts';
import { Execution } from './execution.ts';
import { unwrap } from './journal.ts';
import type { RunnerParts } from './parts.ts';
import { JobRecord } from './record.ts';

/**
 * One unfinished job: admitted by lib/jobs/admission.ts, then executed by lib/jobs/execution.ts; it may be canceled at any time. There may
 * be very many queued jobs, so one that the gate has not admitted must cost little beyond its stored state.
 */
export class JobRun {
  readonly id: number;
  readonly #parts: RunnerParts;
  readonly #cancel = new Cancel();
  readonly #record: JobRecord;
  readonly #admission: Admission;
  readonly #execution: Execution;

  constructor(parts: RunnerParts, stored: StoredJob) {
    const [cancel, record] = [this.#cancel, new JobRecord(stored, parts.clock)];
    this.#parts = parts;
    this.id = stored.job.id;
    this.#record = record;
    if (record.isCanceling) cancel.abort(canceled());
    this.#admission = new Admission(parts, stored, record, cancel);
    this.#execution = new Execution(parts, stored, { record, cancel, admission: this.#admission });
  }

  /** Cancels the job if none of its opcodes runs; false when one does, see cancelRunning(). */
  cancel(): boolean {
    const isBeginning = this.#execution.running !== null && !this.#record.hasBegun; // its locks and slot have just been granted
    if (!this.#admission.isWaiting && !isBeginning) return false;
    this.#admission.stop(canceled());
    return true;
  }

  /** Makes the job stop before its next step. Resolves when that is durable, so that it holds after a crash. @throws as commit() */
  async cancelRunning(): Promise<void> {
    if (this.#cancel.reason) return;
    // By the opcode's own journal: its deferred records, e.g. its start, must be written before.
    await (this.#execution.running ?? this.#execution.journal(0))
      .write(() => this.#record.canceling())
      .catch(unwrap);
    this.#cancel.abort(canceled());
    this.#parts.onChange(this.id);
  }

  /** Whether its opcode has passed the point of no return, so that it cannot be canceled any more. */
  get isIrreversible(): boolean {
    return this.#execution.running?.isIrreversible === true;
  }

  /** Makes the job fail with internal_error before its next step, or at its end. To be called before it runs. */
  fail(error: MerapiError): void {
    this.#cancel.abort(new MerapiError('internal_error', error.message, { cause: error }));
  }

  /** Stops the job without an end; it writes nothing more. */
  abandon(): void {
    this.#admission.abandon();
  }

  /** Its opcodes as they are now, durable or not. */
  get ops(): readonly JobOp[] {
    return this.#record.ops;
  }

  /** Adds to the stored job what only memory has, see withCurrent(). */
  overlay(job: Job): Job {
    return withCurrent(job, this.#admission.waitingSince, this.#record.ops, this.#execution.progress);
  }

  /** Calls `begin` when the gate admits the job, or when it is canceled. */
  enter(begin: () => void): void {
    this.#admission.enter(begin);
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  run(): Promise<void> {
    return this.#execution.run();
  }

  /** Returns its slot, if it still has one. */
  leave(): void {
    this.#admission.leave();
  }
}
