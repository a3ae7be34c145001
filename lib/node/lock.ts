// Locks on the folders of node workers and of the cluster itself: at most one worker manages the guests and disks of a node, and at
// most one master or command changes the files of a cluster.
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../base/errors.ts';
import { startProgram } from '../base/exec.ts';
import { bootId, findProcess } from './processes.ts';

/** A lock that is held until it is released, or until this process ends in any way. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * How often a held lock is tried, and the pause in between in milliseconds. One attempt is not enough: folderHolder() of another
 * process takes the lock for a moment to find out whether it is free.
 */
const TRIES = 5;
const PAUSE = 100;

/**
 * Locks a folder for this process. The lock is a flock(2) on the folder FOLDER/lock, held by an open descriptor: it works across
 * PID and mount namespaces, and the kernel releases it when the process ends in any way. A file FOLDER/lock/PID-START-BOOT
 * names the holder, for people and for older releases of Merapi, which knew only that file.
 * @throws MerapiError wrong_state when another process uses the folder, configuration when the folder has the sticky bit (as /tmp,
 *   which all users share), environment_error when it cannot be locked
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
    // A worker of an older release holds the folder without the kernel's lock.
    if (pid !== null && pid !== process.pid) throw inUse(folder, pid);
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

/** The process that holds a folder's lock, its id null when it is unknown; null when the folder is not locked. */
export async function folderHolder(folder: string): Promise<{ pid: number | null } | null> {
  const holders = join(folder, 'lock');
  const names = await readdir(holders).catch(() => []);
  if (names.length === 0) return null;
  const pid = await livingHolder(holders);
  if (pid !== null) return { pid };
  const descriptor = await takeLock(holders);
  if (descriptor === null) return { pid: null }; // the holder is in another PID namespace
  closeSync(descriptor);
  return null;
}

/** Locks a folder and returns the open descriptor that holds the lock; null when another process holds it. */
async function takeLock(path: string): Promise<number | null> {
  // A bare descriptor, not a FileHandle: the garbage collector closes a FileHandle that is not referenced any more.
  const descriptor = openSync(path, 'r');
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
 * Locks the open file of a descriptor; false when another process holds the lock. Node.js has no flock(2), so the program flock does
 * it: the child inherits the descriptor, and the lock belongs to the open file, so it outlives the child.
 * @throws MerapiError environment_error when the program is missing or the file system has no locks
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

/** The name of this process's file in FOLDER/lock: PID-START-BOOT. */
async function ownName(): Promise<string> {
  return `${process.pid}-${(await findProcess(process.pid))?.start}-${await bootId()}`;
}

/** The id of a process that still lives and that has a file in FOLDER/lock, or null. */
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
