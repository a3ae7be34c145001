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
 * One job on its way from the queue to its end: it is admitted (lib/jobs/admission.ts), then executed (lib/jobs/execution.ts), and may be
 * cancelled at any time. There may be very many that have not begun: until the gate lets it in, a job has nothing but what is stored of it.
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

  /** Takes the job back if none of its opcodes runs; false when one does. */
  cancel(): boolean {
    const isBeginning = this.#execution.running !== null && !this.#record.hasBegun; // it has its locks, and its slot, this very moment
    if (!this.#admission.isWaiting && !isBeginning) return false;
    this.#admission.stop(canceled());
    return true;
  }

  /** Lets the job stop before its next step. Resolves when that is on disk, so that a crash does not forget it. */
  async cancelRunning(): Promise<void> {
    if (this.#cancel.reason) return;
    // After what the opcode kept back, its beginning among it.
    await (this.#execution.running ?? this.#execution.journal(0))
      .write(() => this.#record.canceling())
      .catch(unwrap);
    this.#cancel.abort(canceled());
    this.#parts.onChange(this.id);
  }

  /** Whether its opcode has done what cannot be undone, and so goes on to its end. */
  get isOnward(): boolean {
    return this.#execution.running?.isOnward === true;
  }

  /** Lets the job fail before its next step, or at its end; before it is run. */
  fail(error: MerapiError): void {
    this.#cancel.abort(new MerapiError('internal_error', error.message, { cause: error }));
  }

  /** Lets the job stop where it stands, and write nothing more. */
  abandon(): void {
    this.#admission.abandon();
  }

  /** Its opcodes as they are now, on disk or not yet. */
  get ops(): readonly JobOp[] {
    return this.#record.ops;
  }

  /** A stored state of the job with what is not stored: which opcode waits, or runs and has written nothing yet. */
  overlay(job: Job): Job {
    return withCurrent(job, this.#admission.waitingSince, this.#record.ops, this.#execution.progress);
  }

  /** Waits until the job filters let it begin and the jobs that it depends on have ended, or until it is cancelled: then `begin`. */
  enter(begin: () => void): void {
    this.#admission.enter(begin);
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  run(): Promise<void> {
    return this.#execution.run();
  }

  /** Gives up its slot, whatever became of it. */
  leave(): void {
    this.#admission.leave();
  }
}
