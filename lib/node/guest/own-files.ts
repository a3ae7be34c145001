import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The path of the file of `what` in a folder, which is named by a uuid of the master. @throws MerapiError wrong_input for another name */
export function ownPath(folder: string, uuid: string, what: string): string {
  if (!UUID.test(uuid)) throw new MerapiError('wrong_input', `The id of an ${what} must be a uuid`);
  return join(folder, uuid);
}

/** Makes a folder if it is missing, and removes the files in it that were not changed for so many milliseconds. */
export async function removeOld(folder: string, age: number, clock: Clock): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name));
    if (mtimeMs < clock.seconds() * 1000 - age) await rm(join(folder, name), { force: true });
  }
}
