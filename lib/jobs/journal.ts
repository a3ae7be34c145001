import { errorText, type Failure, fromFailure, MerapiError, toFailure } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Change, StepOutcome } from '../store/changes.ts';
import type { StoredStep } from '../store/jobs.ts';
import type { Store } from '../store/store.ts';
import type { Build } from '../units/define.ts';

/** The store could not be written: the job stops where it stands and goes on when the master starts anew. */
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

interface Step {
  seq: number | null;
  end: StepOutcome | null;
}

/**
 * The journal of one opcode's steps. What has no effect outside the store is kept back and written together with the next
 * record that something depends on, so a step costs one transaction, and a unit without outside effects none but its last.
 */
export class Journal {
  readonly #store: Store;
  readonly #job: number;
  readonly #op: number;
  readonly #steps = new Map<string, Step>();
  readonly #used = new Set<string>();
  readonly #undos = new Map<string, Undo>();
  readonly #lasting = new Set<string>();
  readonly #active = new Set<Promise<unknown>>();
  readonly #onWritten: () => void;
  /** Called with what a step threw that is not a MerapiError: the failure that is recorded of it says less. */
  readonly #onDefect: (error: unknown, step: string) => void;
  /** Fires with its reason when the opcode is to stop before its next step. */
  readonly #cancel: AbortSignal;
  #lazy: Change[] = [];
  #seq: number;
  /** The failure that the opcode undoes for: from then on no new step begins. */
  #undoing: Failure | null;

  constructor(
    store: Store,
    job: number,
    op: number,
    stored: { steps: readonly StoredStep[]; undo: Failure | null },
    cancel: AbortSignal,
    onWritten: () => void,
    onDefect: (error: unknown, step: string) => void = () => undefined,
  ) {
    this.#onDefect = onDefect;
    this.#cancel = cancel;
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

  /**
   * Runs a step, or answers from the journal. A `pure` step has no effect outside: it needs no record of its beginning. What one that
   * `lasts` has done stays done whatever follows.
   */
  async step<T>(
    name: string,
    action: () => Promise<T> | T,
    options: { undo?: Undo; pure?: boolean; lasts?: boolean } = {},
  ): Promise<T> {
    const known = this.#enter(name, options.undo);
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

  /** Reverses all that can be reversed of an opcode that failed; answers what its job's log is to tell of the rest. */
  async reverse(failure: Failure): Promise<string[]> {
    const astray = this.unvisited().map((name) => `${name}: the step was not come to again`);
    const left = [...(await this.undo(failure)), ...astray];
    const isDone = (name: string) => 'outcome' in (this.#steps.get(name)?.end ?? {});
    return [
      ...left.map((text) => `Could not be undone: ${text}`),
      ...[...this.#lasting].filter(isDone).map((name) => `Done, and stays so: ${name}`),
    ];
  }

  /** Reverses all steps, the last to end first; answers the names of those that could not be reversed, with the reason. */
  async undo(failure: Failure): Promise<string[]> {
    this.#decide(failure);
    await Promise.allSettled(this.#active); // steps that ran beside the one that failed
    const seqOf = (name: string) => this.#steps.get(name)?.seq ?? Number.MAX_SAFE_INTEGER;
    const order = [...this.#undos.keys()]
      .filter((name) => this.#steps.has(name))
      .sort((a, b) => seqOf(b) - seqOf(a));
    const left: string[] = [];
    for (const name of order) {
      const undoName = `undo/${name}`;
      let end = this.#steps.get(undoName)?.end ?? null;
      if (!end) {
        this.later({ change: 'step-begin', job: this.#job, op: this.#op, name: undoName });
        await this.write();
        end = await this.#perform(undoName, this.#undos.get(name) as Undo);
      }
      if ('failure' in end) left.push(`${name}: ${end.failure.message}`);
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
    if (this.#cancel.aborted) this.#decide(toFailure(this.#cancel.reason));
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
