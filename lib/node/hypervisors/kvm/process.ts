import { readdir } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { cannotRun, startProgram } from '../../../base/exec.ts';
import { argumentsOf, bootId, findProcess, isOwn, programOf } from '../../processes.ts';

/** One process of this machine, distinguishable from a later one with the same number. */
export const ProcessId = z.object({
  pid: z.number().int(),
  /** When it began, in the kernel's ticks since the machine booted. */
  started: z.string(),
  /** Names the boot of the machine. */
  boot: z.string(),
});
export type ProcessId = z.infer<typeof ProcessId>;

/** The identity of the living process that has this number now, or null. */
export async function identify(pid: number): Promise<ProcessId | null> {
  const info = await findProcess(pid);
  return info && { pid, started: info.start, boot: await bootId() };
}

/** Whether this very process still runs. */
export async function runs(id: ProcessId): Promise<boolean> {
  const now = await identify(id.pid);
  return now !== null && now.started === id.started && now.boot === id.boot;
}

/** Waits until a process is gone, at most `timeout` ms; returns whether it is. An abort of `signal` ends the wait early. */
export async function waitGone(id: ProcessId, timeout: number, signal?: AbortSignal): Promise<boolean> {
  const end = performance.now() + timeout;
  let pause = 10;
  while (await runs(id)) {
    const left = end - performance.now();
    if (left <= 0 || signal?.aborted) return false;
    await sleep(Math.min(pause, left), undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 1.5, 200);
  }
  return true;
}

/** Kills a process with SIGKILL and waits until it is gone. @throws MerapiError hypervisor when it stays for 30 s */
export async function kill(id: ProcessId): Promise<void> {
  if (!(await runs(id))) return;
  try {
    process.kill(id.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  if (!(await waitGone(id, 30_000)))
    throw new MerapiError('hypervisor', `The QEMU process ${id.pid} did not end within 30 s of being killed`);
}

/**
 * Starts a program in a session of its own, so that it outlives this process.
 * @param output the descriptor that it writes to
 * @throws MerapiError hypervisor when it cannot be started
 */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  output: number,
): Promise<number> {
  try {
    const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const stdio = ['ignore' as const, output, output];
    const child = startProgram(program, args, { detached: true, stdio, cwd: '/', env });
    child.unref();
    return await new Promise((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid as number));
      child.once('error', (cause) => reject(cannotRun(program, args, { env }, cause)));
    });
  } catch (error) {
    throw new MerapiError('hypervisor', errorText(error), { cause: error });
  }
}

/**
 * The QEMU processes of this user whose pid file is in a folder below `folder`, by the name of that folder (the guest's uuid).
 * A process that only has the same words on its command line does not count.
 */
export async function findByPidFile(folder: string): Promise<Map<string, ProcessId>> {
  const found = new Map<string, ProcessId>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    const uuid = guestOf(await argumentsOf(pid), folder);
    if (uuid === null || !(await isOwn(pid)) || !(await isEmulator(pid))) continue;
    const id = await identify(pid);
    if (id) found.set(uuid, id);
  }
  return found;
}

/** Whether a process still runs that was noted as the one of a guest: this very process, started for this guest. */
export async function runsGuest(id: ProcessId, guestFolder: string): Promise<boolean> {
  if (!(await runs(id))) return false;
  return guestOf(await argumentsOf(id.pid), dirname(guestFolder)) === basename(guestFolder);
}

/** The guest whose pid file and uuid a command line names; null when there is no such guest below `folder`. */
function guestOf(words: readonly string[], folder: string): string | null {
  const path = words[words.indexOf('-pidfile') + 1] ?? '';
  if (!path.startsWith(folder + sep)) return null;
  const uuid = path.slice(folder.length + 1).split(sep)[0] as string;
  return words[words.indexOf('-uuid') + 1] === uuid ? uuid : null;
}

/** Whether a process executes QEMU, or a program that the driver started in its place. */
async function isEmulator(pid: number): Promise<boolean> {
  const program = await programOf(pid);
  return program !== null && (/qemu|kvm/i.test(basename(program)) || (await argumentsOf(pid))[1] === '-name');
}
