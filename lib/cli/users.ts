import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { hashPassword, parseUsers } from '../access/users.ts';
import { readUsers, saveUsers, withoutUser, withUser } from '../access/users-edit.ts';
import { MerapiError } from '../base/errors.ts';

/** The first line of standard input; asked for when a person sits there. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D: ');
  const [password] = (await text(process.stdin)).split(/\r?\n/);
  if (!password) throw new MerapiError('wrong_input', 'The password is missing: write it to standard input');
  return password;
}

export async function addUser(file: string, name: string, rights: 'none' | 'read' | 'write'): Promise<void> {
  const before = (await readUsers(file)) ?? '';
  await saveUsers(file, withUser(before, name, await readPassword(), rights === 'none' ? [] : [rights]));
}

export async function listUsers(file: string): Promise<void> {
  const content = await readUsers(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  const { users, warnings } = parseUsers(content);
  for (const { name, rights } of users.values())
    process.stdout.write(`${name} ${rights.join(',') || 'none'}\n`);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
}

/** The user that the command line works as on the master's machine, with the password that was made with the state folder. */
const OWN_USER = 'admin';

/**
 * Removes a user. Who removes the one that the commands on this machine use must say so: with `isMeant`, or when asked.
 * @throws MerapiError wrong_input when there is no such user, or it was not meant
 */
export async function removeUser(file: string, name: string, isMeant: boolean): Promise<void> {
  const content = await readUsers(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  if (name === OWN_USER && !isMeant && !(await confirmed()))
    throw new MerapiError(
      'wrong_input',
      `${OWN_USER} was not removed: the commands on this machine work as that user; repeat it with --yes if it is meant`,
    );
  await saveUsers(file, withoutUser(content, name));
}

/** Asks a person; nobody is there when standard input is no terminal. */
async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await dialogue.question(
      `The commands on this machine work as ${OWN_USER}, and will not any more. Remove this user? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    dialogue.close();
  }
}

export async function hashUser(name: string): Promise<void> {
  process.stdout.write(`${hashPassword(name, await readPassword())}\n`);
}
