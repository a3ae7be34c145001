import { createHash, timingSafeEqual } from 'node:crypto';
import { MerapiError } from '../base/errors.ts';
import type { AccessRight, Principal } from './principal.ts';

/**
 * A part of every {ha1} hash, so it belongs to the format of the file: it is the realm of Ganeti's RAPI, whose users files are read
 * as they are. A protocol with realms (HTTP Basic) shows clients the same one.
 */
export const REALM = 'Ganeti Remote API';

/** How a password stands in the file: as it is, or as md5 of `user:realm:password`. */
type Scheme = 'cleartext' | 'ha1';

/** What a password is compared with: a digest, so that the comparison takes the same time for all lengths. */
interface Secret {
  scheme: Scheme;
  digest: Buffer;
}

/** Who authenticates users. */
export interface Users {
  /** The user with this name and password, or null. */
  authenticate(name: string, password: string): Principal | null;
}

export interface User {
  name: string;
  /** The scheme as written, in small letters; `cleartext` where none is. */
  scheme: string;
  /** Null when no password can match. */
  secret: Secret | null;
  rights: AccessRight[];
  /** Counts from 0. */
  line: number;
}

export interface UsersText {
  users: ReadonlyMap<string, User>;
  /** What of the text is ignored, and why; without passwords. */
  warnings: string[];
}

/**
 * Reads the text of a users file: lines `user password [options]`, empty ones and ones that begin with `#`. The last line
 * of a user counts. @throws MerapiError configuration naming the line
 */
export function parseUsers(text: string): UsersText {
  const users = new Map<string, User>();
  const warnings: string[] = [];
  for (const [line, content] of text.split('\n').entries()) {
    const [name, password, ...options] = content.trim().split(/\s+/);
    if (!name || name.startsWith('#')) continue;
    if (password === undefined)
      throw new MerapiError(
        'configuration',
        `Line ${line + 1} of the users file has no password; lines are 'user password [options]'`,
      );
    const warn = (problem: string) => warnings.push(`Line ${line + 1}, user '${name}': ${problem}`);
    const earlier = users.get(name);
    if (earlier) warn(`line ${earlier.line + 1} about the same user no longer counts`);
    const rights = readOptions(options.join(''), warn);
    users.set(name, { name, ...readPassword(password, warn), rights, line });
  }
  return { users, warnings };
}

function readOptions(text: string, warn: (problem: string) => void): AccessRight[] {
  const rights: AccessRight[] = [];
  for (const option of text.split(',').filter((each) => each !== '')) {
    if (option === 'read' || option === 'write') rights.push(option);
    else warn(`unknown option '${option}' is ignored; known are read and write`);
  }
  return rights;
}

function readPassword(
  text: string,
  warn: (problem: string) => void,
): { scheme: string; secret: Secret | null } {
  const match = /^\{([^{}]*)\}(.*)$/s.exec(text);
  const scheme = match ? (match[1] ?? '').toLowerCase() : 'cleartext';
  const password = match ? (match[2] ?? '') : text;
  if (scheme === 'cleartext' && password !== '')
    return { scheme, secret: { scheme, digest: sha256(password) } };
  if (scheme === 'ha1' && /^[0-9a-f]{32}$/i.test(password))
    return { scheme, secret: { scheme, digest: sha256(password.toLowerCase()) } };
  if (scheme === 'cleartext') warn('the password is empty, so the user cannot come in');
  else if (scheme === 'ha1') warn('{ha1} needs 32 hexadecimal digits, so the user cannot come in');
  else warn(`unknown scheme '${scheme}', so the user cannot come in; known are cleartext and ha1`);
  return { scheme, secret: null };
}

/**
 * The text of a users file. A byte that is no UTF-8 would otherwise be read as another letter, and a password with it be
 * refused without a word. @throws MerapiError configuration naming the line
 */
export function decodeUsers(bytes: Buffer): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const line = linesOf(bytes).findIndex((each) => !isText(each)) + 1;
    throw new MerapiError(
      'configuration',
      `Line ${line} of the users file is no text in UTF-8; write it again, or convert the file (iconv -f ISO-8859-1 -t UTF-8)`,
      { cause },
    );
  }
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from <= bytes.length; ) {
    const end = bytes.indexOf(10, from);
    lines.push(bytes.subarray(from, end < 0 ? bytes.length : end));
    if (end < 0) break;
    from = end + 1;
  }
  return lines;
}

function isText(bytes: Buffer): boolean {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes) !== null;
  } catch {
    return false;
  }
}

/** What no password is the secret of: none is known whose SHA-256 is zero, and who gave it would still be no user. */
const NO_SECRET: Secret = { scheme: 'cleartext', digest: Buffer.alloc(32) };

/** The user with this name and password, or null; takes the same time for a wrong name as for a wrong password. */
export function verifyUser(
  users: ReadonlyMap<string, User>,
  name: string,
  password: string,
): Principal | null {
  const user = users.get(name);
  const wanted = user?.secret ?? NO_SECRET;
  const given: Record<Scheme, Buffer> = {
    cleartext: sha256(password),
    ha1: sha256(ha1(name, password)),
  };
  const same = timingSafeEqual(given[wanted.scheme], wanted.digest);
  return same && user?.secret ? { name, rights: user.rights } : null;
}

/** A password as `{ha1}` and its hash, ready for the users file. */
export function hashPassword(name: string, password: string): string {
  return `{ha1}${ha1(name, password)}`;
}

function ha1(name: string, password: string): string {
  return createHash('md5').update(`${name}:${REALM}:${password}`).digest('hex');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
