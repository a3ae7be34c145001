import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { CappedLog, readLogEnd } from '../../capped-log.ts';
import { identify, type ProcessId, runs, spawnDetached } from './process.ts';
import { connectQmp, type Monitor, QmpFault, type QmpHandlers } from './qmp.ts';

/** Milliseconds until a QEMU process must have made its devices and answered. */
const START_TIMEOUT = 60_000;
/** Bytes that are read of QEMU's last output. */
const LAST_WORDS = 4096;

/**
 * Connects to the monitor of a process that may still be starting.
 * @throws MerapiError hypervisor when the process is gone, or has not answered within `timeout` ms, or `signal` is aborted
 */
export async function connectMonitor(
  path: string,
  id: ProcessId,
  handlers: QmpHandlers,
  { timeout = START_TIMEOUT, signal }: { timeout?: number; signal?: AbortSignal } = {},
): Promise<Monitor> {
  const end = performance.now() + timeout;
  for (;;) {
    const left = end - performance.now();
    try {
      return await connectQmp(path, { ...handlers, timeout: Math.max(left, 1), signal });
    } catch (error) {
      if (error instanceof QmpFault || signal?.aborted) throw error;
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
  /** QEMU's arguments, with the path for what the guest writes to its serial console. */
  args(serialLog: string): readonly string[];
  /** Where the logs are: serial.log with the guest's output, qemu.log with QEMU's own. */
  folder: string;
  /** The monitor's socket. */
  qmp: string;
  handlers: QmpHandlers;
  /** Called as soon as the process is there; the launch goes on when it has ended. */
  onProcess(id: ProcessId): Promise<void>;
}

/**
 * Starts QEMU and waits until its monitor answers.
 * @throws MerapiError hypervisor with QEMU's last output when it ends instead; the process may then still exist
 */
export async function launch(options: Launch): Promise<Monitor> {
  const logs = await openLogs(options.folder);
  try {
    const id = await identify(await spawnInto(logs, options));
    if (!id) throw new MerapiError('hypervisor', 'it ended without any output');
    await options.onProcess(id);
    return await connectMonitor(options.qmp, id, options.handlers);
  } catch (cause) {
    await closeLogs(logs);
    for (const log of logs) await log.ended(); // immediate where the process is gone, whose last output is wanted
    throw await startFailure(options, cause);
  } finally {
    await closeLogs(logs);
  }
}

/** The log of QEMU's output, and that of the guest's. */
type Logs = readonly [CappedLog, CappedLog];

async function openLogs(folder: string): Promise<Logs> {
  const qemu = await CappedLog.open(join(folder, 'qemu.log'));
  try {
    return [qemu, await CappedLog.open(join(folder, 'serial.log'))];
  } catch (error) {
    await qemu.close();
    throw error;
  }
}

async function closeLogs(logs: Logs): Promise<void> {
  for (const log of logs) await log.close();
}

async function spawnInto([qemu, serial]: Logs, { program, args }: Launch): Promise<number> {
  const output = await qemu.input();
  try {
    return await spawnDetached(program, args(serial.pipe), output.fd);
  } finally {
    await output.close();
  }
}

async function startFailure({ name, folder }: Launch, cause: unknown): Promise<MerapiError> {
  const words = (await readLogEnd(join(folder, 'qemu.log'), LAST_WORDS))
    .trim()
    .split('\n')
    .slice(-5)
    .join('\n');
  return new MerapiError(
    'hypervisor',
    `QEMU could not start instance ${name}: ${words || errorText(cause)}`,
    {
      cause,
    },
  );
}
