// Runs the opcodes of an admitted job one after the other.
//
// | an opcode | its transaction |
// | --- | --- |
// | begins: it has its locks and its slot | `op-hold` (locks, version of the unit) and its start, together with the first step that is written |
// | succeeds | its last changes, its result, jobs that it submits, new and settled duties; with the last opcode also the end of the job |
// | fails or is canceled | first the decision to undo, then each reverse as a step, then the end of this and of all later opcodes |
// | is abandoned (the store failed) | nothing: locks stay held, and the next start replays the opcode from its journal |
//
// Locks and slot are released when the ending transaction is queued, not when it is durable; see Admission.leave().
import { type Failure, MerapiError, toFailure } from '../base/errors.ts';
import { type Json, parseJson } from '../base/json.ts';
import type { Grant } from '../locks/manager.ts';
import { isFinal, type JobProgress, type JobStatus, type LogType, type OpInput } from '../model/job.ts';
import { ALL } from '../model/locks.ts';
import type { Change } from '../store/changes.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Build, Done } from '../units/define.ts';
import type { Admission } from './admission.ts';
import type { Cancel } from './cancel.ts';
import { dutiesOf, type Owed, settledBy } from './duties/owed.ts';
import { followersOf } from './followers.ts';
import { Abandoned, Journal } from './journal.ts';
import type { RunnerParts } from './parts.ts';
import { checkVersion, currentParams, perform, versionOf } from './perform.ts';
import { StepProgress } from './progress.ts';
import type { JobRecord } from './record.ts';

/** Executes one job, each opcode until its end is durable. An opcode that fails or is canceled ends the job and all later opcodes. */
export class Execution {
  readonly #id: number;
  readonly #parts: RunnerParts;
  readonly #stored: StoredJob;
  readonly #record: JobRecord;
  readonly #cancel: Cancel;
  readonly #admission: Admission;
  /** The journal of the opcode that runs, or ran last. */
  #running: Journal | null = null;
  #progress: StepProgress | null = null;

  constructor(
    parts: RunnerParts,
    stored: StoredJob,
    { record, cancel, admission }: { record: JobRecord; cancel: Cancel; admission: Admission },
  ) {
    this.#parts = parts;
    this.#stored = stored;
    this.#id = stored.job.id;
    this.#record = record;
    this.#cancel = cancel;
    this.#admission = admission;
  }

  /** The journal of the opcode that runs, or ran last; null before the first. */
  get running(): Journal | null {
    return this.#running;
  }

  /** The progress of the opcode's steps that report it. */
  get progress(): readonly JobProgress[] | undefined {
    return this.#progress?.current;
  }

  /** Runs the job to its end. @throws Abandoned when the store fails */
  async run(): Promise<void> {
    if (this.#cancel.reason && !this.#record.hasBegun) {
      await this.#endUnbegun(this.journal(0), 0);
      return;
    }
    for (const index of this.#record.ops.keys()) {
      if (isFinal(this.#record.at(index).status)) continue;
      const ended = await this.#runOp(index);
      if (ended !== 'success') return;
    }
  }

  /** The journal of an opcode of the job. */
  journal(index: number): Journal {
    return new Journal(
      this.#parts.store,
      this.#id,
      index,
      { steps: this.#stored.steps, undo: this.#stored.undo.get(index) ?? null },
      this.#cancel.signal,
      () => this.#parts.onChange(this.#id),
      (err, step) => this.#parts.log.error({ job: this.#id, step, err }, 'a step failed unexpectedly'),
    );
  }

  async #runOp(index: number): Promise<JobStatus> {
    const journal = this.journal(index);
    this.#running = journal;
    let grant = this.#admission.grantOf(index);
    try {
      const params = this.#params(index);
      if (this.#stored.locks.has(index)) checkVersion(index, params, this.#stored);
      if (!grant) {
        grant = await this.#admission.acquire(index, params);
        const unit = versionOf(params);
        journal.defer({ change: 'op-hold', job: this.#id, op: index, locks: grant.locks, unit });
        journal.defer(...this.#record.started(index));
      }
      await this.#perform(index, journal, params, grant);
      return 'success';
    } catch (error) {
      // An abandoned job keeps its locks: nobody may touch what it left half done before the next start.
      if (error instanceof Abandoned) throw error;
      if (this.#cancel.reason && !grant) return await this.#endUnbegun(journal, index);
      if (!(error instanceof MerapiError))
        this.#parts.log.error({ job: this.#id, err: error }, 'an opcode failed unexpectedly');
      const failure = journal.undoing ?? toFailure(error);
      const { lines, owed } = await journal.reverse(failure);
      for (const line of lines) this.#log(index, journal, line);
      const status = failure.code === 'canceled' ? 'canceled' : 'error';
      const end = () => this.#admission.leave(grant);
      const shown = status === 'canceled' ? null : failure;
      return await this.#end(journal, index, status, shown, end, this.#duties(index, owed, grant));
    }
  }

  async #perform(index: number, journal: Journal, params: OpInput, grant: Grant): Promise<void> {
    const done = await perform(this.#parts, journal, params, {
      scope: this.#scope(index),
      log: (text, type) => this.#log(index, journal, text, type),
      resolve: (values) => journal.defer(this.#record.resolve(index, values)),
      progress: this.#progressOf(index, journal),
      job: index > 0 ? [] : this.#record.ops.map((_, each) => () => this.#params(each)),
    });
    const { reason } = this.#cancel;
    if (reason instanceof MerapiError && reason.code === 'internal_error') throw reason;
    await this.#succeed(index, journal, done, grant);
  }

  #progressOf(index: number, journal: Journal): StepProgress {
    this.#progress = new StepProgress(this.#parts.clock, {
      onChange: () => this.#parts.onChange(this.#id),
      log: (text) => {
        this.#log(index, journal, text);
        // A failure to write it shows at the opcode's next write.
        journal.write().catch(() => undefined);
      },
    });
    return this.#progress;
  }

  /** Ends an opcode in one transaction with its last changes, and with the end of the job when it is the last opcode. */
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
      await journal.write(build, () => this.#admission.leave(grant));
    } catch (error) {
      this.#record.ops[index] = before;
      throw error;
    }
    for (const job of jobs) job.go();
  }

  /** Ends the job at an opcode that has not begun, because it was canceled or blamed for a failure of the store. */
  #endUnbegun(journal: Journal, index: number): Promise<JobStatus> {
    const failure = toFailure(this.#cancel.reason);
    const { rejection } = this.#admission;
    if (rejection !== null) this.#log(index, journal, rejection);
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
      journal.defer(this.#record.set(op, { status, failure: op === index ? failure : skipped, end }));
    await journal.write((view) => [...more(view), ...this.#record.ended(status, end)], onQueued);
    return status;
  }

  /** Makes duties of what an opcode owes, as a part of the transaction that ends it. */
  #duties(index: number, owed: readonly Owed[], grant: Grant | undefined): Build {
    const held = grant?.locks ?? [];
    const instances = held.filter(({ level, name }) => level === 'instance' && name !== ALL);
    return (view) =>
      dutiesOf(view, owed, {
        job: this.#id,
        opcode: this.#record.at(index).input.OP_ID,
        scope: `${this.#scope(index)}/`,
        instances: instances.map(({ name }) => name),
        now: this.#parts.clock.seconds(),
        random: this.#parts.random,
      });
  }

  /** A name of the opcode that is unique for all jobs of all times. */
  #scope(index: number): string {
    return `${this.#id}@${this.#stored.job.received}/${index}`;
  }

  #log(index: number, journal: Journal, text: string, type: LogType = 'message'): void {
    journal.defer(...this.#record.line(index, text, type));
  }

  /** The opcode's parameters with its secrets; an opcode that has not begun also gets the parameters that this release added. */
  #params(index: number): OpInput {
    const { input } = this.#record.at(index);
    const sealed = this.#stored.secrets.get(index);
    const params = sealed ? { ...input, ...(parseJson(this.#parts.seal.open(sealed)) as OpInput) } : input;
    return this.#stored.locks.has(index) ? params : currentParams(params, this.#stored);
  }
}
