// The watchdog of frozen file systems. A guest whose file systems stay frozen hangs, so each freeze ends after its limit, whatever
// happens to the one who asked for it. A note on disk outlives the worker:
//
//   (none)  -> noted    the note is durable before the agent is asked to freeze
//   noted   -> (none)   the agent has thawed, or the guest has ended
//
// A note that a worker finds at its start, or whose limit is over, is thawed, and again every RETRY until it succeeds.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unattended } from '../../base/background.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../../base/files.ts';
import type { Logger } from '../../base/log.ts';
import type { GuestAgent } from './agent.ts';

/** Milliseconds between two attempts to thaw. */
const RETRY = 2000;
/** Milliseconds for the agent to answer an attempt of the watchdog. */
const ATTEMPT = 30_000;
/** How often a guest is thawed, at most: each time that its file systems were frozen before one call. */
const MOST_THAWS = 10;

interface Note {
  /** Who froze; a thaw for another one does nothing. */
  readonly id: string;
  timer: Timer | null;
}

/** Who freezes what, and for how many milliseconds at most. */
export interface Freeze {
  readonly id: string;
  readonly mountpoints?: string[] | undefined;
  readonly ttl: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FreezeParts {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The agent of a guest, null when the guest does not run. */
  readonly agent: (uuid: string) => GuestAgent | null;
  readonly changed: () => void;
}

/** The guests whose file systems are, or may be, frozen. */
export class Freezes {
  readonly #parts: FreezeParts;
  readonly #notes = new Map<string, Note>();
  #closed = false;

  constructor(parts: FreezeParts) {
    this.#parts = parts;
  }

  /** Finds the freezes that an earlier worker left; all of them are thawed. */
  async open(): Promise<void> {
    await mkdir(this.#parts.folder, { recursive: true, mode: 0o700 });
    for (const uuid of await readdir(this.#parts.folder)) {
      const id = (await readFileOrNull(join(this.#parts.folder, uuid))) ?? '';
      this.#notes.set(uuid, { id, timer: null });
      this.#thawSoon(uuid, 0);
    }
  }

  /** Whether file systems of a guest are, or may be, frozen. */
  has(uuid: string): boolean {
    return this.#notes.has(uuid);
  }

  /**
   * Freezes the file systems of a guest, those mounted at `mountpoints` or all, for `ttl` milliseconds at most. Returns how many. A call
   * that is repeated has the same `id`: the one before may have been cut off.
   * @throws MerapiError conflict when they are frozen already, and as GuestAgent.execute(); then nothing stays frozen
   */
  async freeze(uuid: string, agent: GuestAgent, { id, mountpoints, ttl, signal }: Freeze): Promise<number> {
    const present = this.#notes.get(uuid);
    if (present && present.id !== id)
      throw new MerapiError('conflict', 'The file systems of the guest are frozen already; thaw them first');
    if (present) await this.thaw(uuid, agent, { signal });
    await agent.execute('guest-ping', {}, { signal }); // a note for a guest without an agent would only be retried
    await writeFileDurably(join(this.#parts.folder, uuid), id);
    try {
      const count = mountpoints
        ? await agent.execute('guest-fsfreeze-freeze-list', { mountpoints }, { signal })
        : await agent.execute('guest-fsfreeze-freeze', {}, { signal });
      this.#notes.set(uuid, { id, timer: null });
      this.#thawSoon(uuid, ttl);
      this.#parts.changed();
      return Number(count);
    } catch (error) {
      this.#notes.set(uuid, { id, timer: null });
      await this.thaw(uuid, agent).catch(() => this.#thawSoon(uuid, RETRY));
      throw error;
    }
  }

  /**
   * Thaws the file systems of a guest; returns how many were frozen, and whether they stayed so since freeze(). With an `id` it does
   * nothing unless the freeze is that one's.
   * @throws MerapiError as GuestAgent.execute()
   */
  async thaw(
    uuid: string,
    agent: GuestAgent,
    { id, signal }: { id?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<{ count: number; held: boolean }> {
    const held = this.has(uuid);
    if (id !== undefined && this.#notes.get(uuid)?.id !== id) return { count: 0, held: false };
    let sum = 0;
    for (let left = MOST_THAWS; left > 0; left--) {
      const count = Number(await agent.execute('guest-fsfreeze-thaw', {}, { signal }));
      sum += count;
      if (count === 0 || (await agent.execute('guest-fsfreeze-status', {}, { signal })) === 'thawed') break;
    }
    await this.#forget(uuid);
    return { count: sum, held: held && sum > 0 };
  }

  /** Thaws everything that is frozen: who asked for it may not be there any more. */
  thawAll(): void {
    for (const uuid of this.#notes.keys()) this.#thawSoon(uuid, 0);
  }

  /** To be called when a guest has ended: what was frozen is gone with it. */
  async ended(uuid: string): Promise<void> {
    if (this.has(uuid)) await this.#forget(uuid);
  }

  /** Ends the watchdog; the notes stay for the next worker. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#notes.values()) timer?.cancel();
  }

  #thawSoon(uuid: string, after: number): void {
    const note = this.#notes.get(uuid);
    if (!note || this.#closed) return;
    note.timer?.cancel();
    const { clock, log } = this.#parts;
    note.timer = clock
      .timer(after, () => unattended('thawing a guest', log, () => this.#attempt(uuid)))
      .unref();
  }

  async #attempt(uuid: string): Promise<void> {
    const { agent, log, clock } = this.#parts;
    const found = agent(uuid);
    if (!found) return this.#forget(uuid);
    const limit = clock.timeout(ATTEMPT);
    try {
      const { count } = await this.thaw(uuid, found, { signal: limit.signal });
      log.warn({ guest: uuid, count }, 'thawed the file systems of a guest that were not thawed in time');
    } catch (error) {
      log.warn({ err: error, guest: uuid }, 'cannot thaw the file systems of a guest; trying again');
      this.#thawSoon(uuid, RETRY);
    } finally {
      limit.cancel();
    }
  }

  async #forget(uuid: string): Promise<void> {
    this.#notes.get(uuid)?.timer?.cancel();
    this.#notes.delete(uuid);
    await rm(join(this.#parts.folder, uuid), { force: true });
    this.#parts.changed();
  }
}
