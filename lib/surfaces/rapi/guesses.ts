import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** How guessing is slowed down; times in milliseconds. */
export interface GuessOptions {
  /** The delay of the first wrong password; each further one doubles it, up to the longest. */
  firstDelay: number;
  longestDelay: number;
  /** After so long without a wrong password those before are forgotten. */
  memory: number;
  /** How many wrong passwords may be delayed at once: for one user from one address, from one address, and in all. */
  ofUser: number;
  ofAddress: number;
  held: number;
  /** How many users of addresses, and how many addresses, are remembered at most. */
  records: number;
  /** How many lines the log gets at most in `logTime`. */
  lines: number;
  logTime: number;
}

export const guessOptions: GuessOptions = {
  ...{ firstDelay: 20, longestDelay: 5_000, memory: 15 * 60_000 },
  ...{ ofUser: 8, ofAddress: 32, held: 256, records: 10_000 },
  ...{ lines: 20, logTime: 10_000 },
};

/** So many wrong passwords of an address, for whatever users, are not delayed for being of one address. */
const FREE_OF_ADDRESS = 10;
/** So many characters of a user's name are remembered and logged. */
const NAME_LENGTH = 64;

interface Record {
  failures: number;
  last: number;
  /** When each delay that goes on ends. */
  ends: number[];
}

/**
 * Slows the guessing of passwords down, per address and user. The answer to a wrong password is delayed, longer each time; while as
 * many as may be are delayed, further passwords for that user from that address are not looked at, so that to hang up
 * and ask again is no quicker. A right password that is looked at is answered at once, and one from another address always is.
 */
export class Guesses {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #options: GuessOptions;
  readonly #users = new Map<string, Record>();
  readonly #addresses = new Map<string, Record>();
  #held = 0;
  #lines = { since: Number.NEGATIVE_INFINITY, count: 0, left: 0 };
  /** How many passwords were wrong, and how many were not looked at. */
  wrong = 0;
  refused = 0;

  constructor(log: Logger, clock: Clock, options: GuessOptions = guessOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#options = options;
  }

  /** How many users of addresses are remembered. */
  get remembered(): number {
    return this.#users.size;
  }

  /** @throws MerapiError unavailable when a password for this user from this address is not looked at now */
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
        `Too many wrong passwords come from ${address}; ask again in ${seconds} s, or from another address`,
      );
    }
  }

  /** A password was right. */
  right(address: string, user: string): void {
    if (this.#users.size > 0) this.#users.delete(keyOf(address, user));
  }

  /** A password was wrong: resolves when that may be told. */
  async delay(address: string, user: string): Promise<void> {
    this.wrong++;
    const ofUser = this.#note(this.#users, keyOf(address, user));
    const ofAddress = this.#note(this.#addresses, address);
    this.#tell(address, user, ofUser.failures);
    const time = Math.max(this.#time(ofUser.failures), this.#time(ofAddress.failures - FREE_OF_ADDRESS));
    const end = this.#clock.now() + time;
    for (const { ends } of [ofUser, ofAddress]) ends.push(end);
    if (this.#held >= this.#options.held) return;
    this.#held++;
    await this.#clock.sleep(time, { ref: false });
    this.#held--;
  }

  #time(failures: number): number {
    const { firstDelay, longestDelay } = this.#options;
    return failures < 1 ? 0 : Math.min(firstDelay * 2 ** (failures - 1), longestDelay);
  }

  /** Counts a failure; the record that was not used for longest gives way to a new one. */
  #note(records: Map<string, Record>, key: string): Record {
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

  /** Logs the first wrong password for a user from an address, the fifth, and then each time that there are twice as many. */
  #tell(address: string, user: string, count: number): void {
    if (count !== 1 && !Number.isInteger(Math.log2(count / 5))) return;
    const now = this.#clock.now();
    const { lines, logTime } = this.#options;
    if (now - this.#lines.since > logTime) this.#lines = { since: now, count: 0, left: this.#lines.left };
    if (++this.#lines.count > lines) {
      this.#lines.left++;
      return;
    }
    const unlogged = this.#lines.left;
    this.#lines.left = 0;
    const about = {
      address,
      user: shown(user),
      count,
      all: this.wrong,
      ...(unlogged > 0 ? { unlogged } : {}),
    };
    this.#log.warn(about, 'a wrong password');
  }
}

function keyOf(address: string, user: string): string {
  return `${address} ${user.slice(0, NAME_LENGTH)}`;
}

/** A name as a log can show it, whatever a client sends. */
function shown(user: string): string {
  const plain = user
    .slice(0, NAME_LENGTH)
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return user.length > NAME_LENGTH ? `${plain}…` : plain;
}
