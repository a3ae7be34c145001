import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type Background, type BackgroundParts, periodic } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { ErrorCodeText } from '../base/error-code-text.ts';
import { fromFailure, MerapiError, toFailure } from '../base/errors.ts';
import { readStateFile, type StateFormat, writeStateFile } from '../base/state-file.ts';
import type { Tell } from '../model/progress.ts';
import type { CallJournal } from '../rpc/server.ts';

/** What is kept of a finished call: never its parameters, which may be secret. */
const Entry = z.object({
  id: z.string(),
  call: z.string(),
  result: z.unknown().optional(),
  failure: z.object({ code: ErrorCodeText, message: z.string() }).optional(),
});
type Entry = z.infer<typeof Entry>;

const format: StateFormat<Entry> = {
  what: 'the outcome of a call',
  remedy:
    'the call is not repeated, for what it did is not known: look at the node, and remove the file when the job has ended',
  version: 1,
  schema: Entry,
};

/** A call under way. */
interface Pending {
  call: string;
  outcome: Promise<unknown>;
  stop: AbortController;
  /** Those who wait for its outcome: they are told how far it is. */
  listeners: Set<Tell>;
}

/** The names of its files. */
const OWN = /^[0-9a-f]{64}\.json$|\.tmp$/;

const DAY = 24 * 3600_000;
const KEPT = 7 * DAY;

/**
 * The outcomes of the calls that changed this node, by the id of their step. An outcome is on disk before anyone learns of
 * it, so that a repeated call gets the same one.
 *
 * Results and MerapiErrors are outcomes. Any other error is a defect that says nothing about the deed, and an error that
 * comes after close() says only that the worker ended: neither is kept, and a repeated call runs again. That is safe
 * because every call is idempotent by nature too.
 */
export class Journal implements CallJournal {
  readonly #folder: string;
  readonly #pending = new Map<string, Pending>();
  readonly #cleaning: Background;
  readonly #clock: Clock;
  /** What the machine's clock said when now() was 0, as it was set when this began, in milliseconds. */
  readonly #opened: number;
  #closed = false;

  private constructor(folder: string, { log, clock }: BackgroundParts) {
    this.#folder = folder;
    this.#clock = clock;
    this.#opened = clock.seconds() * 1000 - clock.now();
    this.#cleaning = periodic('cleaning the call journal', { log, clock }, DAY, () => this.#clean());
    this.#cleaning.start();
  }

  /** Opens the journal in a folder, which is made when it is missing. Entries of more than seven days ago go. */
  static async open(folder: string, parts: BackgroundParts): Promise<Journal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new Journal(folder, parts);
  }

  /**
   * The outcome of the call with this id: the stored one, or that of the execution under way, or else of `execute`.
   * @throws MerapiError wrong_input when the id was used for another call.
   */
  once(
    id: string,
    call: string,
    execute: (stop: AbortSignal, tell: Tell) => Promise<unknown>,
    tell: Tell = () => undefined,
  ): Promise<unknown> {
    const pending = this.#pending.get(id);
    if (pending && pending.call !== call) return Promise.reject(misused(id, call, pending.call));
    if (pending) {
      pending.listeners.add(tell);
      return pending.outcome;
    }
    const stop = new AbortController();
    const listeners = new Set([tell]);
    const tellAll: Tell = (progress) => {
      for (const listener of listeners) listener(progress);
    };
    const outcome = this.#perform(id, call, () => execute(stop.signal, tellAll)).finally(() =>
      this.#pending.delete(id),
    );
    this.#pending.set(id, { call, outcome, stop, listeners });
    return outcome;
  }

  /** Stops the calls under way whose ids begin so, but for one of them; resolves when they have ended, well or not. */
  async stop(prefix: string, except: string): Promise<void> {
    const given = [...this.#pending].filter(([id]) => id.startsWith(prefix) && id !== except);
    await Promise.all(given.map(([, pending]) => ended(pending)));
  }

  /** Stops the call under way that has this id, if there is one; resolves when it has ended, well or not. */
  async cancel(id: string): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending) await ended(pending);
  }

  /** From now on nothing is stored; resolves when no call is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([
      this.#cleaning.stop(),
      ...[...this.#pending.values()].map((pending) => pending.outcome),
    ]);
  }

  async #perform(id: string, call: string, execute: () => Promise<unknown>): Promise<unknown> {
    const known = await this.#read(id);
    if (known && known.call !== call) throw misused(id, call, known.call);
    if (known) return outcomeOf(known);
    const entry: Entry = { id, call };
    try {
      entry.result = await execute();
    } catch (error) {
      if (!(error instanceof MerapiError)) throw error;
      entry.failure = toFailure(error);
    }
    await this.#write(entry);
    return outcomeOf(entry);
  }

  #path(id: string): string {
    return join(this.#folder, `${createHash('sha256').update(id).digest('hex')}.json`);
  }

  async #read(id: string): Promise<Entry | null> {
    return readStateFile(this.#path(id), format);
  }

  async #write(entry: Entry): Promise<void> {
    if (this.#closed) throw new MerapiError('unavailable', 'The node worker is closing');
    await writeStateFile(this.#path(entry.id), format, entry);
  }

  async #clean(): Promise<void> {
    // As far as this process knows: a clock that is set ahead makes nothing old.
    const before = Math.min(this.#clock.seconds() * 1000, this.#opened + this.#clock.now()) - KEPT;
    for (const name of await readdir(this.#folder)) {
      if (this.#closed) return;
      if (!OWN.test(name)) continue;
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (mtimeMs < before) await rm(path, { force: true });
    }
  }
}

async function ended({ stop, outcome }: Pending): Promise<void> {
  stop.abort(new MerapiError('canceled', 'The master has given this call up'));
  await outcome.catch(() => undefined);
}

function outcomeOf(entry: Entry): unknown {
  if (entry.failure) throw fromFailure(entry.failure);
  return entry.result;
}

function misused(id: string, call: string, first: string): MerapiError {
  return new MerapiError('wrong_input', `The id ${id} was used for ${first}; ${call} needs an id of its own`);
}
