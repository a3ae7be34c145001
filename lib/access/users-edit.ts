// Edits the users file for `merapi user`. Lines of other users, comments and their order are preserved.

import { readFile, realpath } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';
import { writeFileDurably } from '../base/files.ts';
import type { AccessRight } from './principal.ts';
import { decodeUsers, hashPassword, parseUsers } from './users.ts';

/**
 * The text of a users file with a line for this user, the password hashed: it replaces the user's last line or is appended. All other
 * lines stay as they are.
 * @throws MerapiError wrong_input for an invalid name or an empty password, configuration when the text is invalid
 */
export function withUser(
  text: string,
  name: string,
  password: string,
  rights: readonly AccessRight[],
): string {
  if (!/^[^\s:#][^\s:]*$/.test(name))
    throw new MerapiError(
      'wrong_input',
      `'${name}' cannot be a user's name; use no spaces, no colons, and no # at its beginning`,
    );
  if (password === '') throw new MerapiError('wrong_input', 'The password may not be empty');
  const entry = [name, hashPassword(name, password), rights.join(',')]
    .filter((part) => part !== '')
    .join(' ');
  const lines = contentLines(text);
  const old = parseUsers(text).users.get(name);
  if (old) lines[old.line] = entry;
  else lines.push(entry);
  return `${lines.join('\n')}\n`;
}

/** The text of a users file without any line of this user. @throws MerapiError not_found, configuration */
export function withoutUser(text: string, name: string): string {
  if (!parseUsers(text).users.has(name))
    throw new MerapiError('not_found', `There is no user '${name}' in the users file`);
  const lines = contentLines(text).filter((line) => line.trim().split(/\s+/)[0] !== name);
  return lines.map((line) => `${line}\n`).join('');
}

/** The text of a users file; null when it does not exist. @throws MerapiError configuration when it cannot be read or is not UTF-8 */
export async function readUsers(path: string): Promise<string | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw unreadable(path, code, cause);
  }
  return decodeUsers(bytes);
}

/** The error for a users file that cannot be read. `code` is that of the system, e.g. EACCES. */
export function unreadable(path: string, code: string | undefined, cause: unknown): MerapiError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "is missing; make it with 'merapi user add'",
    EISDIR: 'is a folder; give the path of a file',
    EACCES: 'cannot be read by the user who runs this program',
  };
  const reason = reasons[code ?? ''] ?? `cannot be read (${code})`;
  return new MerapiError('configuration', `The users file ${path} ${reason}`, { cause });
}

/** Writes the users file durably, readable by its owner only. When `path` is a symbolic link, its target is written. */
export async function saveUsers(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await writeFileDurably(target, text, 0o600);
}

function contentLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
