import { text } from 'node:stream/consumers';
import { MerapiError } from '../base/errors.ts';
import { readFileOrNull } from '../base/files.ts';
import { hashPassword, parseUsers } from '../surfaces/rapi/users.ts';
import { saveUsers, withoutUser, withUser } from '../surfaces/rapi/users-edit.ts';

/** The first line of standard input; asked for when a person sits there. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D: ');
  const [password] = (await text(process.stdin)).split(/\r?\n/);
  if (!password) throw new MerapiError('wrong_input', 'The password is missing: write it to standard input');
  return password;
}

export async function addUser(file: string, name: string, rights: 'none' | 'read' | 'write'): Promise<void> {
  const before = (await readFileOrNull(file)) ?? '';
  await saveUsers(file, withUser(before, name, await readPassword(), rights === 'none' ? [] : [rights]));
}

export async function listUsers(file: string): Promise<void> {
  const content = await readFileOrNull(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  const { users, warnings } = parseUsers(content);
  for (const { name, rights } of users.values())
    process.stdout.write(`${name} ${rights.join(',') || 'none'}\n`);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
}

export async function removeUser(file: string, name: string): Promise<void> {
  const content = await readFileOrNull(file);
  if (content === null) throw new MerapiError('wrong_input', `There is no users file ${file}`);
  await saveUsers(file, withoutUser(content, name));
}

export async function hashUser(name: string): Promise<void> {
  process.stdout.write(`${hashPassword(name, await readPassword())}\n`);
}
