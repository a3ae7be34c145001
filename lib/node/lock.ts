import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../base/errors.ts';
import { startProgram } from '../base/exec.ts';
import { bootId, findProcess } from './processes.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/** How often a lock that somebody has is tried, and the pause in between in milliseconds: who only looks has it for a moment. */
const TRIES = 5;
const PAUSE = 100;

/**
 * Takes the folder for this process. What decides is a lock of the kernel (flock) on the folder FOLDER/lock, held by an open
 * descriptor: no two processes have it, in whatever namespaces they are, and it goes with its process, however that ends. A
 * file FOLDER/lock/PID-START-BOOT tells people, and releases of Merapi before the kernel's lock, who has it.
 * @throws MerapiError wrong_state when another process uses the folder, environment_error where it cannot be locked
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  if (((await stat(folder).catch(() => null))?.mode ?? 0) & 0o1000)
    throw new MerapiError(
      'configuration',
      `The folder ${folder} is shared by all users; choose one for Merapi alone`,
    );
  const holders = join(folder, 'lock');
  await mkdir(holders, { recursive: true, mode: 0o700 });
  const descriptor = await takeLock(holders);
  if (descriptor === null) throw inUse(folder, (await livingHolder(holders)) ?? null);
  try {
    const pid = await livingHolder(holders);
    if (pid !== null && pid !== process.pid) throw inUse(folder, pid); // of an older release
    for (const name of await readdir(holders)) await rm(join(holders, name), { force: true });
    const own = join(holders, await ownName());
    await writeFile(own, '', { mode: 0o600 });
    return {
      async release() {
        await rm(own, { force: true });
        closeSync(descriptor);
      },
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Who holds a folder: the id of its process, null where that cannot be told; null when nobody does. */
export async function folderHolder(folder: string): Promise<{ pid: number | null } | null> {
  const holders = join(folder, 'lock');
  const names = await readdir(holders).catch(() => []);
  if (names.length === 0) return null;
  const pid = await livingHolder(holders);
  if (pid !== null) return { pid };
  const descriptor = await takeLock(holders);
  if (descriptor === null) return { pid: null }; // in another namespace of processes
  closeSync(descriptor);
  return null;
}

/** An open descriptor that has the kernel's lock on a folder; null when somebody else has it. */
async function takeLock(path: string): Promise<number | null> {
  const descriptor = openSync(path, 'r'); // a bare number: an object would be closed when nobody refers to it any more
  try {
    for (let left = TRIES; left > 0; left--) {
      if (await flock(descriptor)) return descriptor;
      if (left > 1) await sleep(PAUSE);
    }
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  closeSync(descriptor);
  return null;
}

/**
 * Locks what an open descriptor refers to, for as long as it is open: the program only acts on the descriptor that it shares
 * with this process. False when another one has the lock.
 */
async function flock(descriptor: number): Promise<boolean> {
  const child = startProgram('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  });
  let code: number | null;
  try {
    [code] = (await once(child, 'close')) as [number | null];
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const text = missing
      ? 'The program flock is missing; install the package util-linux'
      : `The program flock cannot be run: ${errorText(cause)}`;
    throw new MerapiError('environment_error', text, { cause });
  }
  if (code === 0 || code === 1) return code === 0;
  throw new MerapiError(
    'environment_error',
    `The file system cannot lock folders (flock ended with ${code})`,
  );
}

async function ownName(): Promise<string> {
  return `${process.pid}-${(await findProcess(process.pid))?.start}-${await bootId()}`;
}

/** The id of the living process that says that it holds the folder, or null. */
async function livingHolder(holders: string): Promise<number | null> {
  const boot = await bootId();
  for (const name of await readdir(holders).catch(() => [])) {
    const [pid, start, ...rest] = name.split('-');
    if (rest.join('-') !== boot) continue;
    if ((await findProcess(Number(pid)))?.start === start) return Number(pid);
  }
  return null;
}

function inUse(folder: string, pid: number | null): MerapiError {
  const who = pid === null ? 'another process' : `the process with id ${pid}`;
  return new MerapiError(
    'wrong_state',
    `The folder ${folder} is in use by ${who}; end that one first or use another folder`,
  );
}
