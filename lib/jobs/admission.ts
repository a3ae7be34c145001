// What a job waits for before it may run, and in which order:
//
// 1. The gate: until the job filters admit the job and every job that any of its opcodes depends on has ended. It is queued so far.
// 2. Per opcode: the jobs that the opcode itself depends on, then its locks, then a slot. It is waiting so far.
//
// A job that has begun passes the gate at once after a restart, and an opcode that had its locks gets the stored ones back
// (`grantOf`) instead of asking for them again.
import { MerapiError } from '../base/errors.ts';
import type { Grant } from '../locks/manager.ts';
import type { JobFilter } from '../model/filter.ts';
import { isFinal, type OpInput } from '../model/job.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Cancel } from './cancel.ts';
import type { Entrant } from './gate.ts';
import { Abandoned } from './journal.ts';
import type { RunnerParts } from './parts.ts';
import type { JobRecord } from './record.ts';
import { rejectionBy } from './rules.ts';
import { acquireLocksAndSlot, dependenciesEnded, dependsOf } from './waiting.ts';

/** Everything that one job waits for before its opcodes run; a cancel ends each of these waits. */
export class Admission implements Entrant {
  readonly id: number;
  readonly priority: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #record: JobRecord;
  readonly #cancel: Cancel;
  /** The locks that its opcodes held when the previous master process ended, by the index of the opcode. */
  readonly #grants: ReadonlyMap<number, Grant> = new Map();
  /** Since when an opcode waits for locks or for other jobs; null when none does. It is not stored. */
  #waitingSince: number | null = null;
  /** The message of the job filter that rejects the job. */
  #rejection: string | null = null;
  /** Continues the job once the gate admits it; null when it is not at the gate. */
  #begins: (() => void) | null = null;

  constructor(parts: RunnerParts, stored: StoredJob, record: JobRecord, cancel: Cancel) {
    this.#parts = parts;
    this.#stored = stored;
    this.#record = record;
    this.#cancel = cancel;
    this.id = stored.job.id;
    this.priority = stored.job.priority;
    if (stored.locks.size > 0) this.#grants = this.#regranted(stored.locks);
    if (record.isRunning) parts.slotsOf(stored.job).resume(this.id);
  }

  get inputs(): readonly OpInput[] {
    return this.#record.ops.map(({ input }) => input);
  }

  /** Since when it waits for locks or for other jobs, in seconds since 1970; null when it does not. */
  get waitingSince(): number | null {
    return this.#waitingSince;
  }

  /** Why a filter rejects the job; null when none does. */
  get rejection(): string | null {
    return this.#rejection;
  }

  /** Whether it waits for anything. */
  get isWaiting(): boolean {
    return this.#waitingSince !== null || this.#isAtGate;
  }

  /** Calls `begin` when the gate admits the job, or when it is canceled. */
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
    const unblock = () => gate.unblock(this.id); // a dependency that ended badly fails the opcode later, in acquire()
    Promise.all(others.map((id) => endOf(id, this.#cancel.signal))).then(unblock, unblock);
  }

  /** Called by the gate: the job begins. */
  start(): void {
    const begin = this.#begins;
    [this.#begins, this.#waitingSince] = [null, null];
    begin?.();
  }

  /** Called by the gate: the job ends as canceled, with the filter in its log. */
  reject(filter: JobFilter): void {
    this.#rejection = rejectionBy(filter);
    this.#parts.log.info({ job: this.id, filter: filter.uuid }, 'a job filter rejects a job');
    this.stop(new MerapiError('canceled', this.#rejection));
  }

  get #isAtGate(): boolean {
    return this.#begins !== null;
  }

  /** Cancels the job; the first reason counts. A job at the gate leaves it at once, so that it can end. */
  stop(reason: Error): void {
    this.#cancel.abort(reason);
    if (!this.#isAtGate) return;
    this.#parts.gate.leave(this.id);
    this.start();
  }

  /** Stops the job without an end, because the store cannot be written: it does not begin, and writes nothing more. */
  abandon(): void {
    this.#begins = null;
    this.#cancel.abort(new Abandoned('the store cannot be written'));
  }

  /** The locks that an opcode held when the previous master process ended; undefined when it had not begun. */
  grantOf(index: number): Grant | undefined {
    return this.#grants.get(index);
  }

  /**
   * Waits for the jobs that the opcode depends on, then for its locks and its slot; leave() returns both.
   * @throws the reason of a cancel; MerapiError execution as dependenciesEnded()
   */
  async acquire(index: number, params: OpInput): Promise<Grant> {
    const { signal } = this.#cancel;
    this.#wait();
    try {
      await dependenciesEnded(params, this.#parts.endOf, signal);
      return await acquireLocksAndSlot(params, this.#parts, this.#parts.slotsOf(this.#stored.job), {
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

  /**
   * Releases the locks and the slot of an opcode. It may be called as soon as the opcode's last commit is queued: commits become
   * durable in order, so whoever gets the locks next writes after it.
   */
  leave(grant?: Grant): void {
    grant?.release();
    this.#parts.slotsOf(this.#stored.job).leave(this.id);
  }

  #wait(): void {
    this.#waitingSince = this.#parts.clock.seconds();
    this.#parts.onChange(this.id);
  }

  #regranted(stored: StoredJob['locks']): ReadonlyMap<number, Grant> {
    const grants = new Map<number, Grant>();
    for (const [op, locks] of stored)
      if (locks.length > 0 && !isFinal(this.#record.at(op).status))
        grants.set(op, this.#parts.locks.regrant(this.#owner(op), locks));
    return grants;
  }

  #owner(index: number): string {
    return `${this.id}/${index}`;
  }
}
