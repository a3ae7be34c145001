import { open, readdir } from 'node:fs/promises';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { cannotRun, startProgram } from '../../../base/exec.ts';
import { readFileOrNull } from '../../../base/files.ts';
import { bootId, findProcess } from '../../processes.ts';

/** One process of this machine, told apart from a later one with the same number. */
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

/** Waits until a process is gone, at most `timeout` ms; tells whether it is. An abort of `signal` ends the wait early. */
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
 * Starts a program in a session of its own, so that it outlives this process; its output goes to a new file `logFile`.
 * @throws MerapiError hypervisor when it cannot be started
 */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  logFile: string,
): Promise<number> {
  const log = await open(logFile, 'w', 0o600);
  try {
    const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const stdio = ['ignore' as const, log.fd, log.fd];
    const child = startProgram(program, args, { detached: true, stdio, cwd: '/', env });
    child.unref();
    return await new Promise((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid as number));
      child.once('error', (cause) => reject(cannotRun(program, args, { env }, cause)));
    });
  } catch (error) {
    throw new MerapiError('hypervisor', errorText(error), { cause: error });
  } finally {
    await log.close();
  }
}

/** The processes whose pid file is in a folder below `folder`, by the name of that folder (the guest's uuid). */
export async function findByPidFile(folder: string): Promise<Map<string, ProcessId>> {
  const found = new Map<string, ProcessId>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const words = (await commandLineOf(entry)).split('\0');
    const at = words.indexOf('-pidfile');
    const path = words[at + 1] ?? '';
    if (at < 0 || !path.startsWith(folder + sep)) continue;
    const id = await identify(Number(entry));
    if (id) found.set(path.slice(folder.length + 1).split(sep)[0] as string, id);
  }
  return found;
}

async function commandLineOf(pid: string): Promise<string> {
  try {
    return (await readFileOrNull(`/proc/${pid}/cmdline`)) ?? '';
  } catch (error) {
    if (['ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
