// Makes calls to a node exactly-once from the master's point of view: the outcome of each call that changes the node is stored under the
// id of its step, one file FOLDER/SHA256(id).json each. States of a call:
//
//   (none)   -> pending    once(): executes; a repeated call with the same id joins it and gets the same outcome
//   pending  -> stored     a result or a MerapiError: durable before any caller gets it; repeated calls return it
//            -> (none)     any other error, or an error after close(): nothing is stored, a repeated call executes again
//   stored   -> (none)     after seven days
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

/** The stored outcome of a call: a result or a failure. Never its parameters, which may contain secrets. */
const Entry = z.object({
  id: z.string(),
  call: z.string(),
  result: z.unknown().optional(),
  failure: z.object({ code: ErrorCodeText, message: z.string(), detail: z.string().optional() }).optional(),
});
type Entry = z.infer<typeof Entry>;

const format: StateFormat<Entry> = {
  what: 'the outcome of a call',
  remedy:
    'the call is not repeated because its effects are unknown: inspect the node, and remove the file after the job has ended',
  version: 1,
  schema: Entry,
};

/** A call in progress. */
interface Pending {
  call: string;
  outcome: Promise<unknown>;
  stop: AbortController;
  /** The callers that wait for the outcome; each gets the progress reports. */
  listeners: Set<Tell>;
}

/** The names of the journal's files: entries, and interrupted writes of them. */
const OWN = /^[0-9a-f]{64}\.json$|\.tmp$/;

const DAY = 24 * 3600_000;
/** Milliseconds that an entry is kept. */
const KEPT = 7 * DAY;

/**
 * The outcomes of the calls that changed this node, by the id of their step. An outcome is durable before any caller gets it, so
 * a repeated call always returns the same outcome.
 *
 * Results and MerapiErrors are outcomes. Any other error is a defect that does not say whether the call took effect, and an error
 * after close() says only that the worker ended: neither is stored, and a repeated call executes again. That is safe because
 * every handler is idempotent as well.
 */
export class Journal implements CallJournal {
  readonly #folder: string;
  readonly #pending = new Map<string, Pending>();
  readonly #cleaning: Background;
  readonly #clock: Clock;
  /** The machine's time (ms since 1970) at which the monotonic clock now() was 0, computed when the journal was opened. */
  readonly #opened: number;
  #closed = false;

  private constructor(folder: string, { log, clock }: BackgroundParts) {
    this.#folder = folder;
    this.#clock = clock;
    this.#opened = clock.seconds() * 1000 - clock.now();
    this.#cleaning = periodic('cleaning the call journal', { log, clock }, DAY, () => this.#clean());
    this.#cleaning.start();
  }

  /** Opens the journal in a folder, which is created when it is missing, and starts removing entries older than seven days. */
  static async open(folder: string, parts: BackgroundParts): Promise<Journal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new Journal(folder, parts);
  }

  /**
   * The outcome of the call with this id: the stored one, or that of the execution in progress, or else that of `execute`.
   * `tell` gets progress reports while the execution goes on.
   * @throws MerapiError wrong_input when the id was used for another call; the stored failure of the call
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

  /** Aborts all calls in progress whose ids begin with `prefix`, except one; resolves when they have ended, successfully or not. */
  async stop(prefix: string, except: string): Promise<void> {
    const matching = [...this.#pending].filter(([id]) => id.startsWith(prefix) && id !== except);
    await Promise.all(matching.map(([, pending]) => abort(pending)));
  }

  /** Aborts the call in progress with this id, if there is one; resolves when it has ended, successfully or not. */
  async cancel(id: string): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending) await abort(pending);
  }

  /** Stores nothing from now on; resolves when no call is in progress any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([
      this.#cleaning.stop(),
      ...[...this.#pending.values()].map((pending) => pending.outcome),
    ]);
  }

  /** Returns the stored outcome, or executes and stores it. */
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
    // Age is measured by the slower of the machine's clock and the monotonic one, so that setting the clock ahead removes no entry.
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

/** Aborts a call and waits for its end. */
async function abort({ stop, outcome }: Pending): Promise<void> {
  stop.abort(new MerapiError('canceled', 'The master canceled this call'));
  await outcome.catch(() => undefined);
}

/** The result of an entry. @throws the MerapiError that it stores */
function outcomeOf(entry: Entry): unknown {
  if (entry.failure) throw fromFailure(entry.failure);
  return entry.result;
}

function misused(id: string, call: string, first: string): MerapiError {
  return new MerapiError(
    'wrong_input',
    `The id ${id} is already used for ${first}; ${call} needs another id`,
  );
}
