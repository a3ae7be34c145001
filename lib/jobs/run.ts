import type { Clock } from '../base/clock.ts';
import { type Failure, fromFailure, MerapiError, toFailure } from '../base/errors.ts';
import { type Json, parseJson } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Seal } from '../base/seal.ts';
import type { Grant, LockManager } from '../locks/manager.ts';
import { isFinal, type Job, type JobOp, type JobStatus, type OpInput } from '../model/job.ts';
import type { LockPlan } from '../model/locks.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { NodeCaller } from '../rpc/client.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';
import type { CheckContext, Done } from '../units/define.ts';
import { unitOf } from '../units/registry.ts';
import { stepContext } from './context.ts';
import { withCurrent } from './current.ts';
import { Abandoned, Journal } from './journal.ts';

/** What running jobs need of the process. */
export interface RunnerParts {
  store: Store;
  locks: LockManager;
  runtime: RuntimeView;
  nodes: NodeCaller;
  clock: Clock;
  seal: Seal;
  log: Logger;
  /** The status in which another job ended; waits for it. Null when there is no such job. */
  endOf(job: number, signal: AbortSignal): Promise<JobStatus | null>;
  /** Called when something of a job that clients can see is on disk, or it began to wait. */
  onChange(job: number): void;
  /** Checks opcodes for a new job and gives it the next number. @throws MerapiError bad_request */
  prepare(inputs: readonly OpInput[]): PreparedJob;
}

/** A job that has a number and is not stored yet. */
export interface PreparedJob {
  id: number;
  /** What stores it. */
  change: Change;
  /** Lets it go, once it is on disk. */
  go(): void;
}

/** One job on its way from the queue to its end. */
export class JobRun {
  readonly id: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #cancel = new AbortController();
  readonly #ops: JobOp[];
  readonly #grants = new Map<number, Grant>();
  /** The log lines of earlier lives, by opcode: one that a replay writes again is the same line and not a new one. */
  readonly #logged: string[][];
  #start: number | null;
  #serial: number;
  /** Since when an opcode waits for locks or for other jobs, if one does now; this is not stored. */
  #waitingSince: number | null = null;

  constructor(parts: RunnerParts, stored: StoredJob) {
    this.#parts = parts;
    this.#stored = stored;
    this.id = stored.job.id;
    this.#ops = stored.job.ops.map((op) => ({ ...op }));
    this.#logged = this.#ops.map((op) => op.log.map((entry) => entry.text));
    this.#start = stored.job.start;
    this.#serial = Math.max(0, ...this.#ops.flatMap((op) => op.log.map((entry) => entry.serial)));
    for (const [op, locks] of stored.locks) {
      const wanted = locks.filter(() => !isFinal(this.#opAt(op).status));
      if (wanted.length > 0) this.#grants.set(op, parts.locks.regrant(this.#owner(op), wanted));
    }
  }

  /** Takes the job back if none of its opcodes runs; false when one does. */
  cancel(): boolean {
    if (this.#waitingSince === null) return false;
    this.#cancel.abort(new MerapiError('wrong_state', 'The job was cancelled'));
    return true;
  }

  /** A stored state of the job with what is not stored: which opcode waits, or runs and has written nothing yet. */
  overlay(job: Job): Job {
    return withCurrent(job, this.#waitingSince, this.#ops);
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  async run(): Promise<void> {
    for (const index of this.#ops.keys()) {
      if (isFinal(this.#opAt(index).status)) continue;
      const ended = await this.#runOp(index);
      if (ended !== 'success') return;
    }
  }

  async #runOp(index: number): Promise<JobStatus> {
    const journal = new Journal(
      this.#parts.store,
      this.id,
      index,
      { steps: this.#stored.steps, undo: this.#stored.undo.get(index) ?? null },
      () => this.#parts.onChange(this.id),
    );
    let grant = this.#grants.get(index);
    try {
      const params = this.#params(index);
      if (!grant) {
        grant = await this.#begin(index, params);
        journal.later({ change: 'op-hold', job: this.id, op: index, locks: grant.locks });
        journal.later(...this.#started(index));
      }
      await this.#perform(index, journal, params);
      grant.release();
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
      await this.#end(journal, index, 'error', failure);
      grant?.release();
      return 'error';
    }
  }

  /** Waits for the jobs that the opcode depends on, then for its locks. */
  async #begin(index: number, params: OpInput): Promise<Grant> {
    this.#waitingSince = this.#parts.clock.seconds();
    this.#parts.onChange(this.id);
    try {
      await this.#dependencies(params);
      return await this.#lock(index, params);
    } finally {
      this.#waitingSince = null;
    }
  }

  async #dependencies(params: OpInput): Promise<void> {
    for (const [job, accepted] of (params.depends ?? []) as [number, JobStatus[]][]) {
      const status = await this.#parts.endOf(job, this.#cancel.signal);
      if (status === null)
        throw new MerapiError('execution', `Job ${job}, which this one depends on, does not exist`);
      if (accepted.length > 0 && !accepted.includes(status))
        throw new MerapiError(
          'execution',
          `Job ${job}, which this one depends on, ended in ${status}; needed was ${accepted.join(' or ')}`,
        );
    }
  }

  async #lock(index: number, params: OpInput): Promise<Grant> {
    const { locks, store } = this.#parts;
    const opcode = opcodeOf(params.OP_ID);
    const priority = (params.priority as number | null) ?? 0;
    for (;;) {
      const plan = opcode.locks(params, store.view);
      const grant = await locks.acquire(this.#owner(index), plan, {
        priority,
        age: this.id,
        signal: this.#cancel.signal,
      });
      // The cancel may have come at the very moment of the grant; from now on it is refused.
      const cancelled = this.#cancel.signal.aborted;
      if (!cancelled && samePlan(plan, opcode.locks(params, store.view))) {
        this.#waitingSince = null;
        return grant;
      }
      grant.release();
      this.#cancel.signal.throwIfAborted();
    }
  }

  #started(index: number): Change[] {
    const now = this.#parts.clock.seconds();
    const resolved: Record<string, Json> =
      this.#opAt(index).input.debug_level === null ? { debug_level: 0 } : {};
    this.#start ??= now;
    return [
      this.#setOp(index, { status: 'running', start: now, exec: now, resolved }),
      { change: 'job-set', job: this.id, status: 'running', start: this.#start, end: null },
    ];
  }

  async #perform(index: number, journal: Journal, params: OpInput): Promise<void> {
    const { store, runtime, nodes, clock, seal } = this.#parts;
    const unit = unitOf(opcodeOf(params.OP_ID).id);
    const log = (text: string) => this.#log(index, journal, text);
    const context: CheckContext = {
      view: store.view,
      runtime,
      nodes,
      clock,
      seal,
      log,
      resolve: (values) =>
        journal.later(this.#setOp(index, { resolved: { ...this.#opAt(index).resolved, ...values } })),
    };
    const facts = await journal.step(
      'check',
      async () => (await unit.check(context, params as never)) ?? null,
      {
        pure: true,
      },
    );
    if (params.dry_run) {
      log('This was a dry run: nothing has been changed');
      await this.#succeed(index, journal, { result: unit.dryRun?.(facts) ?? null });
      return;
    }
    const steps = stepContext(this.#parts, journal, `${this.id}@${this.#stored.job.received}/${index}`, log);
    const done = await unit.run(steps, facts, params as never);
    if (journal.undoing) throw fromFailure(journal.undoing); // a unit that bears failures must not bear this one
    const astray = journal.unvisited();
    if (astray.length > 0)
      throw new MerapiError(
        'internal_error',
        `The journal holds steps that were not taken again: ${astray.join(', ')}`,
      );
    await this.#succeed(index, journal, done as Done<Json>);
  }

  /** The end of an opcode is one transaction with its last changes, and with the end of the job if it is the last one. */
  async #succeed(index: number, journal: Journal, done: Done<Json>): Promise<void> {
    const before = this.#opAt(index);
    const end = this.#parts.clock.seconds();
    const jobs = this.#followers(index, done);
    const result = done.jobs
      ? { ...(done.result as { [key: string]: Json }), jobs: jobs.map(({ id }) => [true, id]) }
      : (done.result ?? null);
    const changes: Change[] = [
      ...jobs.map((job) => job.change),
      this.#setOp(index, { status: 'success', result, end }),
    ];
    if (index === this.#ops.length - 1) changes.push(...this.#ended('success', end));
    try {
      await journal.write((view) => [...(done.changes?.(view) ?? []), ...changes]);
    } catch (error) {
      this.#ops[index] = before;
      throw error;
    }
    for (const job of jobs) job.go();
  }

  /** The jobs that an opcode leaves behind; what it says of itself they say too, unless they say something else. */
  #followers(index: number, { jobs = [] }: Done<Json>): PreparedJob[] {
    const { OP_ID, priority, debug_level, reason } = this.#opAt(index).input;
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
  ): Promise<JobStatus> {
    const end = this.#parts.clock.seconds();
    const skipped = failure && { code: 'execution' as const, message: 'An earlier opcode of the job failed' };
    for (let op = index; op < this.#ops.length; op++)
      journal.later(this.#setOp(op, { status, failure: op === index ? failure : skipped, end }));
    await journal.write(() => this.#ended(status, end));
    return status;
  }

  #ended(status: JobStatus, end: number): Change[] {
    return [
      { change: 'job-set', job: this.id, status, start: this.#start, end },
      { change: 'job-clean', job: this.id },
    ];
  }

  #setOp(index: number, patch: Partial<JobOp>): Change {
    const op = { ...this.#opAt(index), ...patch };
    this.#ops[index] = op;
    const { input: _input, log: _log, ...state } = op;
    return { change: 'op-set', job: this.id, op: index, state };
  }

  #log(index: number, journal: Journal, text: string): void {
    const logged = this.#logged[index] ?? [];
    const place = logged.indexOf(text);
    if (place >= 0) {
      logged.splice(place, 1);
      return;
    }
    const entry = { serial: ++this.#serial, time: this.#parts.clock.seconds(), type: 'message', text };
    journal.later({ change: 'log-add', job: this.id, op: index, entry });
  }

  /** The opcode's values with its secrets. */
  #params(index: number): OpInput {
    const { input } = this.#opAt(index);
    const sealed = this.#stored.secrets.get(index);
    return sealed ? { ...input, ...(parseJson(this.#parts.seal.open(sealed)) as OpInput) } : input;
  }

  #opAt(index: number): JobOp {
    const op = this.#ops[index];
    if (!op) throw new MerapiError('internal_error', `Job ${this.id} has no opcode ${index}`);
    return op;
  }

  #owner(index: number): string {
    return `${this.id}/${index}`;
  }
}

function samePlan(a: LockPlan, b: LockPlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
