import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Principal } from './principal.ts';
import { decodeUsers, parseUsers, type Users, type UsersText, verifyUser } from './users.ts';
import { unreadable } from './users-edit.ts';

/** A file that was changed less than so many milliseconds ago may change again within the resolution of its time stamps. */
const STAMP_DOUBT = 1000;

/**
 * The users file, reloaded when it changes. Each authentication checks with stat() whether it has changed (once per turn of the event
 * loop; a watcher could miss changes and would have to be closed). While the file is missing or invalid, the users that were read last
 * stay valid.
 */
export class UsersFile implements Users {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #current: UsersText;
  /** The text from which #current was read; null when the file has been unusable since then. */
  #text: string | null;
  /** Identifies the version of the file that was read last (inode, size, times); null when it must be read in any case. */
  #stamp: string | null = null;
  /** Whether the file was checked in this turn of the event loop: requests that arrive together share one check. */
  #isFresh = false;
  /** The last problem that was logged, so that each is logged once. */
  #complaint: string | null = null;

  /** @throws MerapiError configuration when the file is missing or invalid */
  constructor(path: string, log: Logger, clock: Clock) {
    this.#path = path;
    this.#log = log;
    this.#clock = clock;
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (cause) {
      throw unreadable(path, (cause as NodeJS.ErrnoException).code, cause);
    }
    const text = decodeUsers(bytes);
    this.#current = this.#parse(text);
    this.#text = text;
  }

  authenticate(name: string, password: string): Principal | null {
    if (!this.#isFresh) {
      this.#isFresh = true;
      setImmediate(() => {
        this.#isFresh = false;
      });
      this.#refresh();
    }
    return verifyUser(this.#current.users, name, password);
  }

  /** Reads the file even if it seems unchanged. */
  reload(): void {
    this.#stamp = null;
    this.#refresh();
  }

  #refresh(): void {
    try {
      const stat = statSync(this.#path, { bigint: true });
      const stamp = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join();
      if (stamp === this.#stamp) return;
      const text = decodeUsers(readFileSync(this.#path));
      this.#stamp = this.#clock.seconds() * 1000 - Number(stat.ctimeMs) > STAMP_DOUBT ? stamp : null;
      if (text === this.#text) return;
      this.#current = this.#parse(text);
      this.#text = text;
      this.#log.info({ users: this.#current.users.size }, 'The users file has changed and was reloaded');
    } catch (error) {
      this.#text = null;
      this.#complain(errorText(error));
    }
  }

  #complain(problem: string): void {
    if (problem === this.#complaint) return;
    this.#complaint = problem;
    this.#log.error(
      { path: this.#path, problem },
      'The users file is unusable; the users that were read last stay valid',
    );
  }

  #parse(text: string): UsersText {
    const parsed = parseUsers(text);
    this.#complaint = null;
    for (const warning of parsed.warnings) this.#log.warn({ path: this.#path }, warning);
    return parsed;
  }
}
