import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { identify, type ProcessId, runs, spawnDetached } from './process.ts';
import { QmpClient, type QmpHandlers } from './qmp.ts';

/** Milliseconds until a QEMU process must have made its devices and answered. */
const START_TIMEOUT = 60_000;

/**
 * Connects to the monitor of a process that may still be starting.
 * @throws MerapiError hypervisor when the process is gone, or has not answered within `timeout` ms
 */
export async function connectMonitor(
  path: string,
  id: ProcessId,
  handlers: QmpHandlers,
  timeout = START_TIMEOUT,
): Promise<QmpClient> {
  const end = performance.now() + timeout;
  for (;;) {
    const left = end - performance.now();
    try {
      return await QmpClient.connect(path, { ...handlers, timeout: Math.max(left, 1) });
    } catch (error) {
      if (!(await runs(id)) || performance.now() >= end) throw error;
    }
    await sleep(20);
  }
}

/** What a QEMU process is started with. */
export interface Launch {
  /** The instance's name, for messages. */
  name: string;
  program: string;
  args: readonly string[];
  logFile: string;
  /** The monitor's socket. */
  qmp: string;
  handlers: QmpHandlers;
  /** Called as soon as the process is there; the launch goes on when it has ended. */
  onProcess(id: ProcessId): Promise<void>;
}

/**
 * Starts QEMU and waits until its monitor answers.
 * @throws MerapiError hypervisor with QEMU's last words when it ends instead; the process may then still be there
 */
export async function launch(options: Launch): Promise<QmpClient> {
  const pid = await spawnDetached(options.program, options.args, options.logFile);
  const id = await identify(pid);
  if (!id) throw await startFailure(options, null);
  await options.onProcess(id);
  try {
    return await connectMonitor(options.qmp, id, options.handlers);
  } catch (cause) {
    throw await startFailure(options, cause);
  }
}

async function startFailure({ name, logFile }: Launch, cause: unknown): Promise<MerapiError> {
  const words = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-5).join('\n');
  const text = words || (cause === null ? 'it ended without a word' : errorText(cause));
  return new MerapiError('hypervisor', `QEMU could not start instance ${name}: ${text}`, { cause });
}
