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
import type { MadeCall, Owed } from './duties/owed.ts';

/** The store could not be written: the job stops where it stands and goes on when the master starts again. */
export class Abandoned extends Error {
  constructor(cause: unknown) {
    super('The job was abandoned because the store cannot be written', { cause });
  }
}

/** @throws what the store said, of a job that was abandoned for it; else the error itself */
export function unwrap(error: unknown): never {
  throw error instanceof Abandoned ? error.cause : error;
}

/** The words for a job that cannot go on because of the store. */
export function abandonText(error: unknown): string {
  return errorText(error instanceof Error ? (error.cause ?? error) : error);
}

/** The reverse of one step. */
type Undo = () => Promise<void>;

/** What a step leaves to be done later where it cannot be done now. */
type Debt = Omit<Owed, 'step' | 'reason'>;

/** With these a call that was made may have been done or not. */
const NO_ANSWER: readonly ErrorCode[] = ['node_unreachable', 'timeout', 'unavailable'];

/** What an opcode could not reverse, and what of it is still to be done. */
export interface Leftovers {
  /** What the job's log tells. */
  readonly lines: readonly string[];
  readonly owed: readonly Owed[];
}

interface StepOptions {
  undo?: Undo;
  /** What is owed when the undo fails; without it a failure is only told. */
  owes?: Debt | null;
  /** It has no effect outside: it needs no record of its beginning. */
  pure?: boolean;
  /** What it has done stays done whatever follows. */
  lasts?: boolean;
  /** The call on a node that it makes. */
  makes?: MadeCall;
}

interface Step {
  seq: number | null;
  end: StepOutcome | null;
}

/**
 * The journal of one opcode's steps. What has no effect outside the store is kept back and written together with the next
 * record that something depends on, so a step costs one transaction, and a unit without outside effects none but its last.
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
  /** What is owed although nothing failed: steps that were to be done as far as that was possible. */
  readonly #owed: Owed[] = [];
  readonly #active = new Set<Promise<unknown>>();
  readonly #onWritten: () => void;
  /** Called with what a step threw that is not a MerapiError: the failure that is recorded of it says less. */
  readonly #onDefect: (error: unknown, step: string) => void;
  /** Fires with its reason when the opcode is to stop before its next step. */
  readonly #cancel: AbortSignal;
  readonly #ends = new AbortController();
  #isOnward = false;
  #lazy: Change[] = [];
  #seq: number;
  /** The failure that the opcode undoes for: from then on no new step begins. */
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
      if (toFailure(cancel.reason).code === 'canceled' && !this.#isOnward) this.#ends.abort(cancel.reason);
    });
    this.#store = store;
    this.#job = job;
    this.#op = op;
    this.#onWritten = onWritten;
    this.#undoing = stored.undo;
    this.#seq = Math.max(0, ...stored.steps.map((step) => step.seq ?? 0));
    for (const step of stored.steps) if (step.op === op) this.#steps.set(step.name, step);
  }

  /** Fires when the opcode is to stop; a step that only waits may look at it. */
  get cancel(): AbortSignal {
    return this.#cancel;
  }

  /** Fires when a call under way is to end early: the job is cancelled, and its opcode has done nothing yet that cannot be undone. */
  get ends(): AbortSignal | undefined {
    return this.#isOnward ? undefined : this.#ends.signal;
  }

  /** Keeps records back until the next write. */
  later(...changes: Change[]): void {
    this.#lazy.push(...changes);
  }

  /**
   * Writes what was kept back, with `build`'s changes. `onQueued` is called when the transaction has its place: whatever is
   * written after it can only be on disk if this is. @throws Abandoned, or whatever `build` throws
   */
  async write(build: Build = () => [], onQueued: () => void = () => undefined): Promise<void> {
    let refusal: { error: unknown } | null = null;
    const lazy = this.#lazy;
    this.#lazy = [];
    try {
      const written = this.#store.commit({ job: this.#job }, (view) => {
        try {
          return [...lazy, ...build(view)];
        } catch (error) {
          refusal = { error };
          throw error;
        }
      });
      if (!refusal) onQueued();
      await written;
    } catch (error) {
      if (!refusal) throw new Abandoned(error);
      this.#lazy = [...lazy, ...this.#lazy];
      throw (refusal as { error: unknown }).error;
    }
    this.#onWritten();
  }

  /** Runs a step, or answers from the journal. */
  async step<T>(name: string, action: () => Promise<T> | T, options: StepOptions = {}): Promise<T> {
    const known = this.#enter(name, options.undo);
    if (options.owes) this.#debts.set(name, options.owes);
    if (options.makes) this.#calls.set(name, options.makes);
    if (options.lasts) this.#lasting.add(name);
    if (known?.end) return answer<T>(known.end);
    this.#mayBegin();
    if (!options.pure && !known) {
      this.later({ change: 'step-begin', job: this.#job, op: this.#op, name });
      this.#steps.set(name, { seq: null, end: null });
    }
    return answer<T>(
      await this.#during(async () => {
        if (!options.pure) await this.write();
        return this.#perform(name, action);
      }),
    );
  }

  /** Changes the cluster as a step. */
  async commit(name: string, build: Build, undo?: Undo): Promise<void> {
    const known = this.#enter(name, undo);
    if (known?.end) return answer<void>(known.end);
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
   * Makes a call as a step that is done as far as that is possible: when it fails, that is no failure of the opcode, and the call
   * is owed. With `refusable` it is one when the node itself says no. Answers why it was not done; null when it was.
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
      if (!end || !('failure' in end)) throw error; // the opcode itself is to stop
      const { code, message } = end.failure;
      if (refusable && !NO_ANSWER.includes(code)) throw error;
      this.#owed.push({ step: name, reason: message, ...owes });
      return message;
    }
  }

  /** From now on a cancel comes too late: what has been done could not be reversed, so the opcode goes on to its end. */
  noReturn(): void {
    this.#isOnward = true;
  }

  /** Whether a cancel comes too late. */
  get isOnward(): boolean {
    return this.#isOnward;
  }

  /** What is still to be done of an opcode that ends well. */
  get owed(): readonly Owed[] {
    return this.#owed;
  }

  /** The calls on nodes that the opcode has made, those that failed left out. */
  get made(): readonly MadeCall[] {
    return [...this.#calls].flatMap(([name, call]) => (this.#isDone(name) ? [call] : []));
  }

  #isDone(name: string): boolean {
    return 'outcome' in (this.#steps.get(name)?.end ?? {});
  }

  /** Reverses all that can be reversed of an opcode that failed; answers what is left. */
  async reverse(failure: Failure): Promise<Leftovers> {
    const astray = this.unvisited().map((name) => `${name}: the step was not reached on replay`);
    const left = await this.undo(failure);
    const told = left.map(({ step, reason, owes }) =>
      owes
        ? `Not undone yet: ${step}: ${reason}; it is a duty now, and is tried again when ${owes.node.name} answers`
        : `Could not be undone: ${step}: ${reason}`,
    );
    return {
      lines: [
        ...told,
        ...astray.map((text) => `Could not be undone: ${text}`),
        ...[...this.#lasting]
          .filter((name) => this.#isDone(name))
          .map((name) => `Done, and stays so: ${name}`),
      ],
      owed: [
        ...this.#owed,
        ...left.flatMap(({ step, reason, owes }) => (owes ? [{ step, reason, ...owes }] : [])),
      ],
    };
  }

  /** Reverses all steps, the last to end first; answers the names of those that could not be reversed, with the reason. */
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
        this.later({ change: 'step-begin', job: this.#job, op: this.#op, name: undoName });
        await this.write();
        end = await this.#perform(undoName, this.#undos.get(name) as Undo);
      }
      if ('failure' in end)
        left.push({ step: name, reason: end.failure.message, owes: this.#debts.get(name) ?? null });
    }
    return left;
  }

  /** The failure that the opcode undoes for, once that is decided; it is the opcode's own, whatever fails afterwards. */
  get undoing(): Failure | null {
    return this.#undoing;
  }

  /** The names of recorded steps that this run of the unit has not come to: the unit took another path than before. */
  unvisited(): string[] {
    return [...this.#steps.keys()].filter((name) => !name.startsWith('undo/') && !this.#used.has(name));
  }

  /** @throws MerapiError the failure that the opcode undoes for, a cancel among them */
  #mayBegin(): void {
    if (this.#cancel.aborted) {
      const failure = toFailure(this.#cancel.reason);
      if (failure.code !== 'canceled' || !this.#isOnward) this.#decide(failure);
    }
    if (this.#undoing) throw fromFailure(this.#undoing);
  }

  #decide(failure: Failure): void {
    if (this.#undoing) return;
    this.later({ change: 'op-undo', job: this.#job, op: this.#op, failure });
    this.#undoing = failure;
  }

  #enter(name: string, undo: Undo | undefined): Step | undefined {
    if (this.#used.has(name))
      throw new MerapiError('internal_error', `Two steps of one opcode are named '${name}'`);
    this.#used.add(name);
    if (undo) this.#undos.set(name, undo);
    return this.#steps.get(name);
  }

  /** Keeps an undo from beginning before this has ended. */
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
    this.later(this.#ended(name, seq, end));
  }

  #ended(name: string, seq: number, end: StepOutcome): Change {
    return { change: 'step-end', job: this.#job, op: this.#op, name, seq, end };
  }
}

function answer<T>(end: StepOutcome): T {
  if ('failure' in end) throw fromFailure(end.failure);
  return end.outcome as T;
}
