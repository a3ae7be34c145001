// `merapi user`: edits the users file of a state folder. The master reloads it when it changes.

import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { hashPassword, parseUsers } from '../access/users.ts';
import { readUsers, saveUsers, withoutUser, withUser } from '../access/users-edit.ts';
import { MerapiError } from '../base/errors.ts';

/** Reads the first line of standard input, with a prompt when that is a terminal. @throws MerapiError wrong_input when it is empty */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D: ');
  const [password] = (await text(process.stdin)).split(/\r?\n/);
  if (!password) throw new MerapiError('wrong_input', 'The password is missing: write it to standard input');
  return password;
}

/** `merapi user add`: adds a user, or changes the password and rights of an existing one. */
export async function addUser(file: string, name: string, rights: 'none' | 'read' | 'write'): Promise<void> {
  const before = (await readUsers(file)) ?? '';
  await saveUsers(file, withUser(before, name, await readPassword(), rights === 'none' ? [] : [rights]));
}

/** `merapi user list`: prints one user with its rights per line; warnings about the file go to standard error. */
export async function listUsers(file: string): Promise<void> {
  const content = await readUsers(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  const { users, warnings } = parseUsers(content);
  for (const { name, rights } of users.values())
    process.stdout.write(`${name} ${rights.join(',') || 'none'}\n`);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
}

/** The user that commands on the master's machine authenticate as (commands/connect.ts). */
const OWN_USER = 'admin';

/**
 * `merapi user remove`. The user that the commands on this machine use is only removed when `isConfirmed` is set or the question at the
 * terminal is answered with yes.
 * @throws MerapiError wrong_input when there is no users file or no confirmation, not_found when there is no such user
 */
export async function removeUser(file: string, name: string, isConfirmed: boolean): Promise<void> {
  const content = await readUsers(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  if (name === OWN_USER && !isConfirmed && !(await confirmed()))
    throw new MerapiError(
      'wrong_input',
      `${OWN_USER} was not removed: the commands on this machine use this user; repeat with --yes to remove it anyway`,
    );
  await saveUsers(file, withoutUser(content, name));
}

/** Asks for a confirmation; false when standard input is not a terminal. */
async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await dialogue.question(
      `The commands on this machine use ${OWN_USER} and will fail without it. Remove this user? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    dialogue.close();
  }
}

/** `merapi user hash`: prints the hash of a password; it depends on the user's name. */
export async function hashUser(name: string): Promise<void> {
  process.stdout.write(`${hashPassword(name, await readPassword())}\n`);
}
