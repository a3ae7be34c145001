import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';

/** Makes a folder if it is missing, and removes the files in it that were not changed for so many milliseconds. */
export async function removeOld(folder: string, age: number, clock: Clock): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name));
    if (mtimeMs < clock.seconds() * 1000 - age) await rm(join(folder, name), { force: true });
  }
}
