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
import { dependenciesEnded, dependsOf, turnOf } from './waiting.ts';

/**
 * What a job needs before it runs. It waits at the gate until the job filters let it begin and the jobs that it depends on have ended;
 * then each of its opcodes waits for the jobs that it depends on itself, for its locks, and for a slot. A cancel ends either wait.
 */
export class Admission implements Entrant {
  readonly id: number;
  readonly priority: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #record: JobRecord;
  readonly #cancel: Cancel;
  /** What its opcodes held when the last life of the master ended. */
  readonly #grants: ReadonlyMap<number, Grant> = new Map();
  /** Since when an opcode waits for locks or for other jobs, if one does now; this is not stored. */
  #waitingSince: number | null = null;
  /** The words of the filter that rejects the job. */
  #rejection: string | null = null;
  /** Lets it begin, while the job filters or other jobs keep it from that. */
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
    this.stop(new MerapiError('canceled', this.#rejection));
  }

  get #isAtGate(): boolean {
    return this.#begins !== null;
  }

  /** Lets the job stop; one that waits ends its wait. */
  stop(reason: Error): void {
    this.#cancel.abort(reason);
    if (!this.#isAtGate) return;
    this.#parts.gate.leave(this.id);
    this.start();
  }

  /** Lets the job stop where it stands: it neither begins nor writes any more. */
  abandon(): void {
    this.#begins = null; // it never does
    this.#cancel.abort(new Abandoned('the store cannot be written'));
  }

  /** What an opcode held when the last life of the master ended. */
  grantOf(index: number): Grant | undefined {
    return this.#grants.get(index);
  }

  /** Waits for the jobs that the opcode depends on, then for its locks and its slot. @throws the reason of a cancel; MerapiError execution as dependenciesEnded() */
  async turn(index: number, params: OpInput): Promise<Grant> {
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
