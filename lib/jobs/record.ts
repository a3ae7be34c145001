// The newest state of a job's opcodes in memory, ahead of what is durable. Its methods update that state at once and return the changes
// that store it: the caller must commit them, in this order, or restore the state.
import type { Clock } from '../base/clock.ts';
import { MerapiError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { JobOp, JobStatus, LogType } from '../model/job.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/stored-job.ts';

/** The state of a job and its opcodes, and the changes that store it. */
export class JobRecord {
  readonly ops: JobOp[];
  readonly #id: number;
  readonly #brief: { brief?: boolean };
  readonly #clock: Clock;
  /** The log lines of earlier runs, by opcode: one that a replay writes again is not added twice. */
  readonly #logged: string[][];
  #start: number | null;
  #serial: number;
  /** Whether a user canceled it while it ran, so that it stops before its next step. */
  isCanceling: boolean;
  /** Whether the end of the job has been queued for commit. */
  #hasEnded = false;

  constructor({ job }: StoredJob, clock: Clock) {
    this.#id = job.id;
    this.#brief = job.brief ? { brief: true } : {};
    this.#clock = clock;
    this.ops = [...job.ops];
    const hasLog = this.ops.some((op) => op.log.length > 0);
    this.#logged = hasLog ? this.ops.map((op) => op.log.map((entry) => entry.text)) : [];
    this.#start = job.start;
    this.isCanceling = job.status === 'canceling';
    this.#serial = Math.max(0, ...this.ops.flatMap((op) => op.log.map((entry) => entry.serial)));
  }

  /** Whether its first opcode has begun. */
  get hasBegun(): boolean {
    return this.#start !== null;
  }

  /** Whether one of its opcodes has begun and not ended. */
  get isRunning(): boolean {
    return this.ops.some(({ status }) => status === 'running');
  }

  /** @throws MerapiError internal_error when the job has no such opcode */
  at(index: number): JobOp {
    const op = this.ops[index];
    if (!op) throw new MerapiError('internal_error', `Job ${this.#id} has no opcode ${index}`);
    return op;
  }

  set(index: number, patch: Partial<JobOp>): Change {
    const op = { ...this.at(index), ...patch };
    this.ops[index] = op;
    const { input: _input, log: _log, ...state } = op;
    return { change: 'op-set', job: this.#id, op: index, state };
  }

  /** Adds values that the check of an opcode filled in, e.g. the chosen node. */
  resolve(index: number, values: Record<string, Json>): Change {
    return this.set(index, { resolved: { ...this.at(index).resolved, ...values } });
  }

  /** An opcode begins; with the first one also the job. */
  started(index: number): Change[] {
    const now = this.#clock.seconds();
    const resolved: Record<string, Json> =
      this.at(index).input.debug_level === null ? { debug_level: 0 } : {};
    const begun = this.set(index, { status: 'running', start: now, exec: now, resolved });
    if (this.#start !== null) return [begun]; // the job has begun already
    this.#start = now;
    return [
      begun,
      {
        change: 'job-set',
        job: this.#id,
        status: this.isCanceling ? 'canceling' : 'running',
        start: now,
        end: null,
        ...this.#brief,
      },
    ];
  }

  /** Makes the job stop before its next step; nothing once it has ended. To be called while the commit is built. */
  canceling(): Change[] {
    this.isCanceling = true;
    return this.#hasEnded ? [] : [{ change: 'job-cancel', job: this.#id }];
  }

  /** Ends the job, and deletes its journal and secrets. To be called while the commit is built, after which canceling() does nothing. */
  ended(status: JobStatus, end: number): Change[] {
    this.#hasEnded = true;
    return [
      { change: 'job-set', job: this.#id, status, start: this.#start, end, ...this.#brief },
      { change: 'job-clean', job: this.#id },
    ];
  }

  /** Adds a line to the log; nothing when an earlier run of the opcode has added it. */
  line(index: number, text: string, type: LogType): Change[] {
    const logged = this.#logged[index] ?? [];
    const position = logged.indexOf(text);
    if (position >= 0) {
      logged.splice(position, 1);
      return [];
    }
    const entry = { serial: ++this.#serial, time: this.#clock.seconds(), type, text };
    return [{ change: 'log-add', job: this.#id, op: index, entry }];
  }
}
