// QEMU processes: starting one that outlives the worker, identifying it later, waiting for its end, and killing it. Nothing is killed by its
// pid alone, because the pid may have been reused.
import { readdir } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { cannotRun, startProgram } from '../../../base/exec.ts';
import { argumentsOf, bootId, findProcess, isOwn, programOf } from '../../processes.ts';

/** Identifies a process uniquely, also if its pid is reused later. */
export const ProcessId = z.object({
  pid: z.number().int(),
  /** The start time, in clock ticks since boot. */
  started: z.string(),
  /** The kernel's id of the boot. */
  boot: z.string(),
});
export type ProcessId = z.infer<typeof ProcessId>;

/** The identity of the living process with this pid, or null. */
export async function identify(pid: number): Promise<ProcessId | null> {
  const info = await findProcess(pid);
  return info && { pid, started: info.start, boot: await bootId() };
}

/** Whether exactly this process still runs. */
export async function runs(id: ProcessId): Promise<boolean> {
  const now = await identify(id.pid);
  return now !== null && now.started === id.started && now.boot === id.boot;
}

/** Waits until a process has ended, for at most `timeout` ms or until `signal` is aborted; returns whether it has. */
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

/** Kills a process with SIGKILL and waits for its end. @throws MerapiError hypervisor when it has not ended after 30 s */
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
 * Starts a program in a session of its own, so that it outlives this process; returns its pid.
 * @param output the descriptor for its standard output and standard error
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
 * Searches /proc for the QEMU processes of this user whose pid file is FOLDER/UUID/…; returns them by uuid. Processes of other
 * programs with the same words on their command line (an editor, grep) do not count.
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

/** Whether a recorded process still runs and is that of the guest: its command line must name the guest's folder. */
export async function runsGuest(id: ProcessId, guestFolder: string): Promise<boolean> {
  if (!(await runs(id))) return false;
  return guestOf(await argumentsOf(id.pid), dirname(guestFolder)) === basename(guestFolder);
}

/** The uuid of the guest that a command line is for; null unless both `-pidfile` and `-uuid` name a guest below `folder`. */
function guestOf(args: readonly string[], folder: string): string | null {
  const path = args[args.indexOf('-pidfile') + 1] ?? '';
  if (!path.startsWith(folder + sep)) return null;
  const uuid = path.slice(folder.length + 1).split(sep)[0] as string;
  return args[args.indexOf('-uuid') + 1] === uuid ? uuid : null;
}

/** Whether a process executes QEMU, or another program (kvm_path) with the arguments of the driver, which begin with `-name`. */
async function isEmulator(pid: number): Promise<boolean> {
  const program = await programOf(pid);
  return program !== null && (/qemu|kvm/i.test(basename(program)) || (await argumentsOf(pid))[1] === '-name');
}
