import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Principal } from './principal.ts';
import { decodeUsers, parseUsers, type Users, type UsersText, verifyUser } from './users.ts';
import { unreadable } from './users-edit.ts';

/** A file whose last change is younger than this (ms) may change again without a new time stamp. */
const STAMP_DOUBT = 1000;

/**
 * The users file. An authentication looks whether the file has changed (one stat for all of one turn of the event loop, no watcher that
 * could miss a change or must be closed) and reads it again if so. A missing or broken file keeps the users that were read before.
 */
export class UsersFile implements Users {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #current: UsersText;
  /** What #current was read from; null when the file was unusable since. */
  #text: string | null;
  /** Identity of the state last looked at; null when it must be read again in any case. */
  #stamp: string | null = null;
  /** Whether the file was looked at in this turn of the event loop: the requests that arrive together share one look. */
  #isFresh = false;
  /** The problem that was logged last, so that it is logged once. */
  #complaint: string | null = null;

  /** @throws MerapiError configuration when the file is missing or broken. */
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
      this.#log.info({ users: this.#current.users.size }, 'The users file has changed and was read');
    } catch (error) {
      this.#text = null;
      this.#complain(errorText(error));
    }
  }

  #complain(problem: string): void {
    if (problem === this.#complaint) return;
    this.#complaint = problem;
    this.#log.error({ path: this.#path, problem }, 'The users file is unusable; the users read before stay');
  }

  #parse(text: string): UsersText {
    const parsed = parseUsers(text);
    this.#complaint = null;
    for (const warning of parsed.warnings) this.#log.warn({ path: this.#path }, warning);
    return parsed;
  }
}
