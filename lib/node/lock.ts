import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MerapiError } from '../base/errors.ts';
import { bootId, findProcess } from './processes.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes the folder for this process. A holder is an empty file FOLDER/lock/PID-START-BOOT, made exclusively and named after
 * the one process that may own it, so what a dead process left can be removed without a race. Whoever finds another living
 * holder beside its own file withdraws: of two that come at the same moment none or one gets the folder, never both.
 * @throws MerapiError wrong_state when another worker uses the folder.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const holders = join(folder, 'lock');
  await mkdir(holders, { recursive: true });
  const boot = await bootId();
  const own = `${process.pid}-${(await findProcess(process.pid))?.start}-${boot}`;
  const file = join(holders, own);
  try {
    await (await open(file, 'wx')).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw inUse(folder, String(process.pid));
  }
  for (const holder of await readdir(holders)) {
    if (holder === own) continue;
    if (await isHeld(holder, boot)) {
      await rm(file, { force: true });
      throw inUse(folder, holder.split('-')[0] as string);
    }
    await rm(join(holders, holder), { force: true });
  }
  return { release: () => rm(file, { force: true }) };
}

/** The id of the living process that holds the folder, or null. */
export async function folderHolder(folder: string): Promise<number | null> {
  const boot = await bootId();
  for (const holder of await readdir(join(folder, 'lock')).catch(() => []))
    if (await isHeld(holder, boot)) return Number.parseInt(holder, 10);
  return null;
}

async function isHeld(holder: string, boot: string): Promise<boolean> {
  const [pid, start, ...rest] = holder.split('-');
  if (rest.join('-') !== boot) return false;
  return (await findProcess(Number(pid)))?.start === start;
}

function inUse(folder: string, pid: string): MerapiError {
  return new MerapiError(
    'wrong_state',
    `The folder ${folder} is in use by the process with id ${pid}; end that one first or use another folder`,
  );
}
