// The journal of one opcode: which steps began, how they ended, and how they are reversed. A unit is replayed from its top after a
// crash, and steps with a stored outcome return it at once.
//
// | a step is | stored as | on replay | on undo |
// | --- | --- | --- | --- |
// | not begun | – | runs | nothing |
// | begun | `step-begin`, durable before its action starts | runs again: actions must be idempotent | reversed as if it had been done |
// | done | `step-end` with an outcome | returns the outcome | reversed, the last step to end first |
// | failed | `step-end` with a failure | throws the failure | reversed as if it had been done |
//
// Invariants: names of steps are unique within an opcode; once `undoing` is set, which is stored, no new step begins; reverses start
// only after all steps under way have ended; a reverse is itself a step (`undo/NAME`) and is not repeated when it has an end.
import {
  type ErrorCode,
  errorText,
  type Failure,
  fromFailure,
  MerapiError,
  toFailure,
} from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Change, StepOutcome } from '../store/changes.ts';
import type { JobStore } from '../store/define.ts';
import type { StoredStep } from '../store/stored-job.ts';
import type { Build } from '../units/define.ts';
import { Cancel } from './cancel.ts';
import type { MadeCall, Owed } from './duties/owed.ts';

/** The store could not be written: the job stops without an end, and is resumed when the queue starts again. */
export class Abandoned extends Error {
  constructor(cause: unknown) {
    super('The job was abandoned because the store cannot be written', { cause });
  }
}

/** @throws the error of the store when the error is an Abandoned; otherwise the error itself */
export function unwrap(error: unknown): never {
  throw error instanceof Abandoned ? error.cause : error;
}

/** The text of the store's error, for the log, from an Abandoned. */
export function abandonText(error: unknown): string {
  return errorText(error instanceof Error ? (error.cause ?? error) : error);
}

/** The reverse of one step. */
type Undo = () => Promise<void>;

/** Calls on a node that become a duty when they cannot be made now. */
type Debt = Omit<Owed, 'step' | 'reason'>;

/** After a failure with one of these codes nobody knows whether the node has done what the call asked for. */
const NO_ANSWER: readonly ErrorCode[] = ['node_unreachable', 'timeout', 'unavailable'];

/** What an opcode could not reverse. */
export interface Leftovers {
  /** Lines for the job's log. */
  readonly lines: readonly string[];
  /** What becomes a duty. */
  readonly owed: readonly Owed[];
}

interface StepOptions {
  undo?: Undo;
  /** What becomes a duty when the undo fails; without it the failure is only written to the job's log. */
  owes?: Debt | null;
  /** The step has no effect outside the process, so its beginning needs no record. */
  pure?: boolean;
  /** The step changes a node and has no reverse; the job's log says so when the opcode fails. */
  lasts?: boolean;
  /** The call on a node that the step makes. */
  makes?: MadeCall;
}

interface Step {
  seq: number | null;
  end: StepOutcome | null;
}

/**
 * Runs the steps of one opcode, and records them. A record that nothing depends on yet is deferred, and written with the next one that
 * something depends on: so a step costs one transaction, and an opcode without outside effects none but its last.
 */
export class Journal {
  readonly #store: Pick<JobStore, 'commit'>;
  readonly #job: number;
  readonly #op: number;
  readonly #steps = new Map<string, Step>();
  readonly #used = new Set<string>();
  readonly #undos = new Map<string, Undo>();
  readonly #lasting = new Set<string>();
  readonly #debts = new Map<string, Debt>();
  readonly #calls = new Map<string, MadeCall>();
  /** What is owed although the opcode did not fail: see attempt(). */
  readonly #owed: Owed[] = [];
  readonly #active = new Set<Promise<unknown>>();
  readonly #onWritten: () => void;
  /** Called with an unexpected error (not a MerapiError) of a step, for the log: the recorded failure leaves its details out. */
  readonly #onDefect: (error: unknown, step: string) => void;
  /** Fires with its reason when the opcode must stop before its next step. */
  readonly #cancel: AbortSignal;
  readonly #ends = new Cancel();
  #isIrreversible = false;
  #deferred: Change[] = [];
  #seq: number;
  /** The failure because of which the opcode is being undone; null while it is not. */
  #undoing: Failure | null;

  constructor(
    store: Pick<JobStore, 'commit'>,
    job: number,
    op: number,
    stored: { steps: readonly StoredStep[]; undo: Failure | null },
    cancel: AbortSignal,
    onWritten: () => void,
    onDefect: (error: unknown, step: string) => void = () => undefined,
  ) {
    this.#onDefect = onDefect;
    this.#cancel = cancel;
    cancel.addEventListener('abort', () => {
      if (toFailure(cancel.reason).code === 'canceled' && !this.#isIrreversible)
        this.#ends.abort(cancel.reason);
    });
    this.#store = store;
    this.#job = job;
    this.#op = op;
    this.#onWritten = onWritten;
    this.#undoing = stored.undo;
    this.#seq = Math.max(0, ...stored.steps.map((step) => step.seq ?? 0));
    for (const step of stored.steps) if (step.op === op) this.#steps.set(step.name, step);
  }

  /** Fires when the opcode must stop; a step that only waits may use it to end early. */
  get cancel(): AbortSignal {
    return this.#cancel;
  }

  /** Fires when calls under way must end early, because the job is canceled; undefined after noReturn(). */
  get ends(): AbortSignal | undefined {
    return this.#isIrreversible ? undefined : this.#ends.signal;
  }

  /** Adds records to the next write. */
  defer(...changes: Change[]): void {
    this.#deferred.push(...changes);
  }

  /**
   * Writes the deferred records and the changes of `build` in one transaction; resolves when it is durable. `onQueued` is called when
   * the transaction is queued: whatever is committed later can only be durable if this is.
   * @throws Abandoned when the store fails; whatever `build` throws, and then the deferred records are kept for the next write
   */
  async write(build: Build = () => [], onQueued: () => void = () => undefined): Promise<void> {
    let refusal: { error: unknown } | null = null;
    const deferred = this.#deferred;
    this.#deferred = [];
    try {
      const written = this.#store.commit({ job: this.#job }, (view) => {
        try {
          return [...deferred, ...build(view)];
        } catch (error) {
          refusal = { error };
          throw error;
        }
      });
      if (!refusal) onQueued();
      await written;
    } catch (error) {
      if (!refusal) throw new Abandoned(error);
      this.#deferred = [...deferred, ...this.#deferred];
      throw (refusal as { error: unknown }).error;
    }
    this.#onWritten();
  }

  /** Runs a step, or returns its outcome from the journal. @throws the failure of the step; the reason of a cancel; Abandoned */
  async step<T>(name: string, action: () => Promise<T> | T, options: StepOptions = {}): Promise<T> {
    const known = this.#enter(name, options.undo);
    if (options.owes) this.#debts.set(name, options.owes);
    if (options.makes) this.#calls.set(name, options.makes);
    if (options.lasts) this.#lasting.add(name);
    if (known?.end) return outcomeOf<T>(known.end);
    this.#mayBegin();
    if (!options.pure && !known) {
      this.defer({ change: 'step-begin', job: this.#job, op: this.#op, name });
      this.#steps.set(name, { seq: null, end: null });
    }
    return outcomeOf<T>(
      await this.#during(async () => {
        if (!options.pure) await this.write();
        return this.#perform(name, action);
      }),
    );
  }

  /**
   * Changes the cluster as a step: the changes and the end of the step are one transaction.
   * @throws what `build` throws, recorded as the failure of the step; the reason of a cancel; Abandoned
   */
  async commit(name: string, build: Build, undo?: Undo): Promise<void> {
    const known = this.#enter(name, undo);
    if (known?.end) return outcomeOf<void>(known.end);
    this.#mayBegin();
    const end: StepOutcome = { outcome: null };
    const seq = ++this.#seq;
    try {
      await this.#during(async () => {
        await this.write((view) => [...build(view), this.#ended(name, seq, end)]);
        this.#steps.set(name, { seq, end });
      });
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      if (!(error instanceof MerapiError)) this.#onDefect(error, name);
      this.#finish(name, seq, { failure: toFailure(error) });
      throw error;
    }
  }

  /**
   * Makes a call as a step whose failure is no failure of the opcode: the call then becomes a duty. With `refusable` this holds only
   * while the outcome is unknown (see NO_ANSWER); when the node refuses the call, the opcode fails.
   * @returns why the call failed; null when it succeeded
   */
  async attempt(
    name: string,
    action: () => Promise<unknown>,
    owes: Debt,
    { refusable, ...options }: StepOptions & { refusable: boolean },
  ): Promise<string | null> {
    try {
      await this.step(name, action, options);
      return null;
    } catch (error) {
      const end = this.#steps.get(name)?.end;
      if (!end || !('failure' in end)) throw error; // the opcode was stopped, or abandoned: the step itself did not fail
      const { code, message } = end.failure;
      if (refusable && !NO_ANSWER.includes(code)) throw error;
      this.#owed.push({ step: name, reason: message, ...owes });
      return message;
    }
  }

  /** The next steps cannot be reversed: from now on a cancel is ignored, and the opcode runs to its end. */
  noReturn(): void {
    this.#isIrreversible = true;
  }

  /** Whether noReturn() has been called, so that the job cannot be canceled any more. */
  get isIrreversible(): boolean {
    return this.#isIrreversible;
  }

  /** What a successful opcode leaves as duties. */
  get owed(): readonly Owed[] {
    return this.#owed;
  }

  /** The calls on nodes that the opcode has made successfully. */
  get made(): readonly MadeCall[] {
    return [...this.#calls].flatMap(([name, call]) => (this.#isDone(name) ? [call] : []));
  }

  #isDone(name: string): boolean {
    return 'outcome' in (this.#steps.get(name)?.end ?? {});
  }

  /** Reverses all steps of an opcode that failed, as far as possible; returns what is left. @throws Abandoned */
  async reverse(failure: Failure): Promise<Leftovers> {
    const unvisited = this.unvisited();
    const left = await this.undo(failure);
    const notUndone = left.map(({ step, reason, owes }) =>
      owes
        ? `Not undone yet: ${step}: ${reason}; it is now a duty, which is tried again when ${owes.node.name} answers`
        : `Could not be undone: ${step}: ${reason}`,
    );
    const lasting = [...this.#lasting].filter((name) => this.#isDone(name));
    return {
      lines: [
        ...notUndone,
        ...unvisited.map((name) => `Could not be undone: ${name}: the step was not reached on replay`),
        ...lasting.map((name) => `Done, and not undone: ${name}`),
      ],
      owed: [
        ...this.#owed,
        ...left.flatMap(({ step, reason, owes }) => (owes ? [{ step, reason, ...owes }] : [])),
      ],
    };
  }

  /** Reverses all steps, the last to end first; returns those that could not be reversed, with the reasons. @throws Abandoned */
  async undo(failure: Failure): Promise<{ step: string; reason: string; owes: Debt | null }[]> {
    this.#decide(failure);
    await Promise.allSettled(this.#active); // steps that ran beside the one that failed
    const seqOf = (name: string) => this.#steps.get(name)?.seq ?? Number.MAX_SAFE_INTEGER;
    const order = [...this.#undos.keys()]
      .filter((name) => this.#steps.has(name))
      .sort((a, b) => seqOf(b) - seqOf(a));
    const left: { step: string; reason: string; owes: Debt | null }[] = [];
    for (const name of order) {
      const undoName = `undo/${name}`;
      let end = this.#steps.get(undoName)?.end ?? null;
      if (!end) {
        this.defer({ change: 'step-begin', job: this.#job, op: this.#op, name: undoName });
        await this.write();
        end = await this.#perform(undoName, this.#undos.get(name) as Undo);
      }
      if ('failure' in end)
        left.push({ step: name, reason: end.failure.message, owes: this.#debts.get(name) ?? null });
    }
    return left;
  }

  /** The failure because of which the opcode is undone, once that is decided: the opcode ends with it, whatever fails later. */
  get undoing(): Failure | null {
    return this.#undoing;
  }

  /** The recorded steps that this run of the unit has not reached. At its end there must be none: the unit is not deterministic. */
  unvisited(): string[] {
    return [...this.#steps.keys()].filter((name) => !name.startsWith('undo/') && !this.#used.has(name));
  }

  /** @throws MerapiError the failure because of which the opcode is undone, a cancel among them */
  #mayBegin(): void {
    if (this.#cancel.aborted) {
      const failure = toFailure(this.#cancel.reason);
      if (failure.code !== 'canceled' || !this.#isIrreversible) this.#decide(failure);
    }
    if (this.#undoing) throw fromFailure(this.#undoing);
  }

  #decide(failure: Failure): void {
    if (this.#undoing) return;
    this.defer({ change: 'op-undo', job: this.#job, op: this.#op, failure });
    this.#undoing = failure;
  }

  #enter(name: string, undo: Undo | undefined): Step | undefined {
    if (this.#used.has(name))
      throw new MerapiError('internal_error', `Two steps of one opcode are named '${name}'`);
    this.#used.add(name);
    if (undo) this.#undos.set(name, undo);
    return this.#steps.get(name);
  }

  /** Runs an action; undo() waits for its end before it reverses anything. */
  async #during<T>(action: () => Promise<T>): Promise<T> {
    const doing = action();
    this.#active.add(doing);
    try {
      return await doing;
    } finally {
      this.#active.delete(doing);
    }
  }

  async #perform(name: string, action: () => unknown): Promise<StepOutcome> {
    let end: StepOutcome;
    try {
      end = { outcome: ((await action()) ?? null) as Json };
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      if (!(error instanceof MerapiError)) this.#onDefect(error, name);
      end = { failure: toFailure(error) };
    }
    this.#finish(name, ++this.#seq, end);
    return end;
  }

  #finish(name: string, seq: number, end: StepOutcome): void {
    this.#steps.set(name, { seq, end });
    this.defer(this.#ended(name, seq, end));
  }

  #ended(name: string, seq: number, end: StepOutcome): Change {
    return { change: 'step-end', job: this.#job, op: this.#op, name, seq, end };
  }
}

function outcomeOf<T>(end: StepOutcome): T {
  if ('failure' in end) throw fromFailure(end.failure);
  return end.outcome as T;
}
