import { readFile, realpath } from 'node:fs/promises';
import { MerapiError } from '../base/errors.ts';
import { writeFileDurably } from '../base/files.ts';
import type { AccessRight } from './principal.ts';
import { decodeUsers, hashPassword, parseUsers } from './users.ts';

/**
 * The text of a users file with this user in it, the password hashed: in place of the user's old line, else at the end. All
 * other lines stay as they are. @throws MerapiError wrong_input for an unfit name or an empty password, configuration
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

/** The text of a users file; null when there is none. @throws MerapiError configuration when it cannot be read, or is no text */
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

/** Says why a users file cannot be read. */
export function unreadable(path: string, code: string | undefined, cause: unknown): MerapiError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "is missing; make it with 'merapi user add'",
    EISDIR: 'is a folder; name a file',
    EACCES: 'may not be read by the user who runs this',
  };
  const reason = reasons[code ?? ''] ?? `cannot be read (${code})`;
  return new MerapiError('configuration', `The users file ${path} ${reason}`, { cause });
}

/** Writes the users file for good, readable by its owner alone; a symbolic link stays one. */
export async function saveUsers(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await writeFileDurably(target, text, 0o600);
}

function contentLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
