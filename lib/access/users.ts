// The users file in Ganeti's format (rapi_users): parsing, and the verification of passwords in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import { MerapiError } from '../base/errors.ts';
import { guestRights } from '../model/access.ts';
import type { AccessRight, Principal } from './principal.ts';

/**
 * The realm of Ganeti's RAPI. It is a part of every {ha1} hash and therefore of the file's format: users files of Ganeti work without a
 * change. HTTP Basic authentication sends the same realm to clients.
 */
export const REALM = 'Ganeti Remote API';

/** The rights, under the names that they have in the file. */
const accessRights: readonly AccessRight[] = ['read', 'write', ...guestRights];

/** How a password is stored in the file: in clear text, or as MD5 of `user:realm:password`. */
type Scheme = 'cleartext' | 'ha1';

/** What a given password is compared with: the SHA-256 of the stored one, so that the comparison takes the same time for all lengths. */
interface Secret {
  scheme: Scheme;
  digest: Buffer;
}

/** Authenticates users. */
export interface Users {
  /** The user with this name and password, or null. */
  authenticate(name: string, password: string): Principal | null;
}

/** A line of the users file. */
export interface User {
  name: string;
  /** The scheme in lower case, also an unknown one; `cleartext` when the line has none. */
  scheme: string;
  /** Null when no password can match: the scheme is unknown, or the password empty or invalid. */
  secret: Secret | null;
  rights: AccessRight[];
  /** The index of the line in the file, from 0. */
  line: number;
}

/** A parsed users file. */
export interface UsersText {
  users: ReadonlyMap<string, User>;
  /** What was ignored, and why; without passwords. */
  warnings: string[];
}

/**
 * Parses a users file: lines `user password [options]`, empty lines and comments that begin with `#`. If a user has several lines, the
 * last one applies. @throws MerapiError configuration naming the line
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
    if (earlier) warn(`it replaces line ${earlier.line + 1} of the same user`);
    const rights = readOptions(options.join(''), warn);
    users.set(name, { name, ...readPassword(password, warn), rights, line });
  }
  return { users, warnings };
}

/** Parses the options of a line; unknown ones are ignored with a warning. */
function readOptions(text: string, warn: (problem: string) => void): AccessRight[] {
  const rights: AccessRight[] = [];
  for (const option of text.split(',').filter((each) => each !== '')) {
    const right = accessRights.find((each) => each === option);
    if (right) rights.push(right);
    else warn(`unknown option '${option}' is ignored; known are ${accessRights.join(', ')}`);
  }
  return rights;
}

/** Parses the password field of a line, `{scheme}value` or clear text. The secret is null, with a warning, when nothing can match it. */
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
  if (scheme === 'cleartext') warn('the password is empty, so the user cannot log in');
  else if (scheme === 'ha1') warn('{ha1} needs 32 hexadecimal digits, so the user cannot log in');
  else warn(`unknown scheme '${scheme}', so the user cannot log in; known are cleartext and ha1`);
  return { scheme, secret: null };
}

/**
 * Decodes a users file as UTF-8. Invalid bytes are an error: decoded as replacement characters, a password with them would never match,
 * and nothing would say why. @throws MerapiError configuration naming the line
 */
export function decodeUsers(bytes: Buffer): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const line = linesOf(bytes).findIndex((each) => !isText(each)) + 1;
    throw new MerapiError(
      'configuration',
      `Line ${line} of the users file is not text in UTF-8; write it again, or convert the file (iconv -f ISO-8859-1 -t UTF-8)`,
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

/** Compared with when there is no secret. No text with this SHA-256 is known, and verifyUser() refuses a match with it anyway. */
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

/** A password in the form of the users file: `{ha1}` and its hash. */
export function hashPassword(name: string, password: string): string {
  return `{ha1}${ha1(name, password)}`;
}

function ha1(name: string, password: string): string {
  return createHash('md5').update(`${name}:${REALM}:${password}`).digest('hex');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
