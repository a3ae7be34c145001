// Protection against password guessing over the RAPI: delays, limits on concurrent guesses, and a rate-limited log.
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** How password guessing is slowed down; times in milliseconds. */
export interface GuessOptions {
  /** The delay after the first wrong password; each further one doubles it, up to `longestDelay`. */
  firstDelay: number;
  longestDelay: number;
  /** After this time without a wrong password the earlier ones are forgotten. */
  memory: number;
  /**
   * How many wrong passwords may be delayed at once: for one user from one address, and from one address. Beyond that, further
   * passwords are refused, correct ones too. `held` bounds the delays in all; beyond that, wrong passwords are answered without a delay.
   */
  ofUser: number;
  ofAddress: number;
  held: number;
  /** How many pairs of user and address, and how many addresses, are remembered at most. */
  records: number;
  /** How many lines are logged at most in `logTime`. */
  lines: number;
  logTime: number;
}

/** The defaults. */
export const guessOptions: GuessOptions = {
  firstDelay: 20,
  longestDelay: 5_000,
  memory: 15 * 60_000,
  ofUser: 8,
  ofAddress: 32,
  held: 256,
  records: 10_000,
  lines: 20,
  logTime: 10_000,
};

/** How many wrong passwords of an address, for any users, cause no delay by the count of the address. */
const FREE_OF_ADDRESS = 10;
/** How many characters of a user's name are remembered and logged. */
const NAME_LENGTH = 64;

/** The wrong passwords of one address, or of one user from one address. */
interface FailureRecord {
  failures: number;
  /** The time of the last one. */
  last: number;
  /** The end of each delay that is not over. */
  ends: number[];
}

/**
 * Slows password guessing down, per address and per user of an address. The response to a wrong password is delayed, longer each
 * time. While the number of delayed responses is at its limit, further passwords of that user or address are refused, correct or not, so
 * disconnecting and retrying is no faster. A correct password that is admitted is never delayed, and the limits of one address
 * do not affect users at another address.
 */
export class GuessLimiter {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #options: GuessOptions;
  readonly #users = new Map<string, FailureRecord>();
  readonly #addresses = new Map<string, FailureRecord>();
  #held = 0;
  /** The log lines since a time: written, and suppressed since the last one that was written. */
  #lines = { since: Number.NEGATIVE_INFINITY, count: 0, suppressed: 0 };
  /** How many passwords were wrong, and how many were refused whether correct or not. */
  wrong = 0;
  refused = 0;

  constructor(log: Logger, clock: Clock, options: GuessOptions = guessOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#options = options;
  }

  /** How many pairs of user and address are remembered. */
  get remembered(): number {
    return this.#users.size;
  }

  /** To be called before the result of a password check is used. @throws MerapiError unavailable when this user or address is at its limit */
  admit(address: string, user: string): void {
    const { ofUser, ofAddress } = this.#options;
    const now = this.#clock.now();
    for (const [record, most] of [
      [this.#users.get(keyOf(address, user)), ofUser],
      [this.#addresses.get(address), ofAddress],
    ] as const) {
      const ends = record?.ends.filter((end) => end > now) ?? [];
      if (ends.length < most) continue;
      this.refused++;
      const seconds = Math.ceil((Math.min(...ends) - now) / 1000);
      throw new MerapiError(
        'unavailable',
        `Too many wrong passwords come from ${address}; try again in ${seconds} s, or from another address`,
      );
    }
  }

  /** A password was correct: the user's wrong ones from this address are forgotten. */
  recordSuccess(address: string, user: string): void {
    if (this.#users.size > 0) this.#users.delete(keyOf(address, user));
  }

  /** A password was wrong: resolves when the response may be sent. */
  async recordFailure(address: string, user: string): Promise<void> {
    this.wrong++;
    const ofUser = this.#count(this.#users, keyOf(address, user));
    const ofAddress = this.#count(this.#addresses, address);
    this.#logFailure(address, user, ofUser.failures);
    const time = Math.max(
      this.#delayAfter(ofUser.failures),
      this.#delayAfter(ofAddress.failures - FREE_OF_ADDRESS),
    );
    const end = this.#clock.now() + time;
    for (const { ends } of [ofUser, ofAddress]) ends.push(end);
    if (this.#held >= this.#options.held) return;
    this.#held++;
    await this.#clock.sleep(time, { ref: false });
    this.#held--;
  }

  /** The delay in milliseconds after this number of failures. */
  #delayAfter(failures: number): number {
    const { firstDelay, longestDelay } = this.#options;
    return failures < 1 ? 0 : Math.min(firstDelay * 2 ** (failures - 1), longestDelay);
  }

  /** Counts a failure. The least recently used record is dropped when there are too many: the map is in the order of use. */
  #count(records: Map<string, FailureRecord>, key: string): FailureRecord {
    const now = this.#clock.now();
    let record = records.get(key);
    if (!record || now - record.last > this.#options.memory) record = { failures: 0, last: now, ends: [] };
    record.failures++;
    record.last = now;
    record.ends = record.ends.filter((end) => end > now);
    records.delete(key);
    records.set(key, record);
    const [oldest] = records.keys();
    if (records.size > this.#options.records && oldest !== undefined) records.delete(oldest);
    return record;
  }

  /** Logs the first wrong password for a user from an address, the fifth, and then each time that their number has doubled. */
  #logFailure(address: string, user: string, count: number): void {
    if (count !== 1 && !Number.isInteger(Math.log2(count / 5))) return;
    const now = this.#clock.now();
    const { lines, logTime } = this.#options;
    if (now - this.#lines.since > logTime)
      this.#lines = { since: now, count: 0, suppressed: this.#lines.suppressed };
    if (++this.#lines.count > lines) {
      this.#lines.suppressed++;
      return;
    }
    const unlogged = this.#lines.suppressed;
    this.#lines.suppressed = 0;
    const fields = {
      address,
      user: loggable(user),
      count,
      all: this.wrong,
      ...(unlogged > 0 ? { unlogged } : {}),
    };
    this.#log.warn(fields, 'Wrong password');
  }
}

/** The key of a user's record; a space cannot be part of an address. */
function keyOf(address: string, user: string): string {
  return `${address} ${user.slice(0, NAME_LENGTH)}`;
}

/** A user name that is safe to log: shortened, and only printable ASCII. */
function loggable(user: string): string {
  const plain = user
    .slice(0, NAME_LENGTH)
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return user.length > NAME_LENGTH ? `${plain}…` : plain;
}
