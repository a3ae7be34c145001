// A program in a guest must not be started twice, and a call that a crash has interrupted is repeated. So a note on disk, named by the
// call's own uuid, says how far its first attempt got:
//
//   (none)   -> asked     durable before the agent is asked
//   asked    -> started   the agent has given the pid
//            -> (none)    the agent has refused it
//
// A repeated call returns the pid of a program that was started, and fails when the note says only that the agent was asked.
import { rm } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import { readFileOrNull, writeFileDurably } from '../../base/files.ts';
import { ownPath, removeOld } from './own-files.ts';

/** Milliseconds for which notes are kept: longer than any job repeats a call. */
const KEPT = 7 * 24 * 3600_000;
/** The errors after which it is not known whether the agent has started the program. */
const DOUBT = ['timeout', 'unavailable', 'canceled', 'internal_error'];

/** Starts each program once. */
export class Starts {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Removes old notes. */
  open(): Promise<void> {
    return removeOld(this.#folder, KEPT, this.#clock);
  }

  /**
   * Calls `start`, which returns a pid, unless an earlier call with this uuid did.
   * @throws MerapiError execution when it is not known whether the program was started, and what `start` throws
   */
  async once(run: string, start: () => Promise<number>): Promise<number> {
    const note = ownPath(this.#folder, run, 'execution');
    const found = await readFileOrNull(note);
    if (found !== null && found !== '') return Number(found);
    if (found === '')
      throw new MerapiError(
        'execution',
        'The worker ended while the guest agent was asked to start the program; it may have run, so it is not started again',
      );
    await writeFileDurably(note, '');
    const pid = await start().catch(async (error) => {
      if (error instanceof MerapiError && !DOUBT.includes(error.code)) await rm(note, { force: true });
      throw error;
    });
    await writeFileDurably(note, String(pid));
    return pid;
  }
}
