import type { Clock } from '../base/clock.ts';
import { type Failure, fromFailure, MerapiError, toFailure } from '../base/errors.ts';
import { type Json, parseJson } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Seal } from '../base/seal.ts';
import type { Grant, LockManager } from '../locks/manager.ts';
import { isFinal, type Job, type JobStatus, type LogType, type OpInput } from '../model/job.ts';
import type { ClusterView } from '../model/view.ts';
import { opcodeOf } from '../opcodes/registry.ts';
import type { NodeCaller } from '../rpc/client.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';
import type { CheckContext, Done, RunContext } from '../units/define.ts';
import { unitOf } from '../units/registry.ts';
import { stepContext } from './context.ts';
import { withCurrent } from './current.ts';
import type { Gate } from './gate.ts';
import { planHooks, runPost, runPre } from './hooks.ts';
import { Abandoned, Journal } from './journal.ts';
import { JobRecord } from './record.ts';
import { admitted, dependenciesEnded, type EndOf, lockFor } from './waiting.ts';

/** What running jobs need of the process. */
export interface RunnerParts {
  store: Store;
  locks: LockManager;
  /** What decides which jobs begin. */
  gate: Gate;
  runtime: RuntimeView;
  nodes: NodeCaller;
  clock: Clock;
  seal: Seal;
  log: Logger;
  endOf: EndOf;
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
  }

  /** Takes the job back if none of its opcodes runs; false when one does. */
  cancel(): boolean {
    if (this.#waitingSince === null && !this.#isAtGate) return false;
    this.#cancel.abort(new MerapiError('wrong_state', 'The job was cancelled'));
    return true;
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
      this.#cancel.abort(new MerapiError('wrong_state', 'A job filter rejects the job'));
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
        journal.later({ change: 'op-hold', job: this.id, op: index, locks: grant.locks });
        journal.later(...this.#record.started(index));
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
    const { signal } = this.#cancel;
    this.#wait();
    const onGrant = () => {
      this.#waitingSince = null;
    };
    try {
      await dependenciesEnded(params, this.#parts.endOf, signal);
      const claimant = { owner: this.#owner(index), age: this.id, signal, onGrant };
      return await lockFor(params, this.#parts, claimant);
    } finally {
      this.#waitingSince = null;
    }
  }

  #wait(): void {
    this.#waitingSince = this.#parts.clock.seconds();
    this.#parts.onChange(this.id);
  }

  async #perform(index: number, journal: Journal, params: OpInput): Promise<void> {
    const { store, runtime, nodes, clock, seal } = this.#parts;
    const unit = unitOf(opcodeOf(params.OP_ID).id);
    const log: RunContext['log'] = (text, type) => this.#log(index, journal, text, type);
    const hooksOf = (facts: unknown) => (view: ClusterView) =>
      unit.hooks?.(view, facts as never, params as never) ?? null;
    const context: CheckContext = {
      view: store.view,
      runtime,
      nodes,
      clock,
      seal,
      log,
      resolve: (values) => journal.later(this.#record.resolve(index, values)),
    };
    const { facts, hooks } = await journal.step(
      'check',
      async () => {
        const facts = (await unit.check(context, params as never)) ?? null;
        return { facts, hooks: planHooks(params, hooksOf(facts), context) };
      },
      { pure: true },
    );
    const steps = stepContext(this.#parts, journal, `${this.id}@${this.#stored.job.received}/${index}`, log);
    if (hooks) await runPre(steps, hooks);
    if (params.dry_run) {
      log('This was a dry run: nothing has been changed');
      await this.#succeed(index, journal, { result: unit.dryRun?.(facts) ?? null });
      return;
    }
    const done = (await unit.run(steps, facts, params as never)) as Done<Json>;
    if (journal.undoing) throw fromFailure(journal.undoing); // a unit that bears failures must not bear this one
    const end = hooks ? await runPost(steps, hooks, done, hooksOf(facts)) : done;
    const astray = journal.unvisited();
    if (astray.length > 0)
      throw new MerapiError(
        'internal_error',
        `The journal holds steps that were not taken again: ${astray.join(', ')}`,
      );
    await this.#succeed(index, journal, end);
  }

  /** The end of an opcode is one transaction with its last changes, and with the end of the job if it is the last one. */
  async #succeed(index: number, journal: Journal, done: Done<Json>): Promise<void> {
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
      await journal.write((view) => [...(done.changes?.(view) ?? []), ...changes]);
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
  ): Promise<JobStatus> {
    const end = this.#parts.clock.seconds();
    const skipped = failure && { code: 'execution' as const, message: 'An earlier opcode of the job failed' };
    for (let op = index; op < this.#record.ops.length; op++)
      journal.later(this.#record.set(op, { status, failure: op === index ? failure : skipped, end }));
    await journal.write(() => this.#record.ended(status, end));
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
