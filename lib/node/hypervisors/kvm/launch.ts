import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import { CappedLog, readLogEnd } from '../../capped-log.ts';
import { identify, type ProcessId, runs, spawnDetached } from './process.ts';
import { connectQmp, type Monitor, QmpFault, type QmpHandlers } from './qmp.ts';

/** Milliseconds for a new QEMU process to create its devices and answer on its monitor. */
const START_TIMEOUT = 60_000;
/** Bytes that are read from the end of QEMU's output for an error message. */
const LOG_TAIL = 4096;

/**
 * Connects to the monitor of a process that may still be starting; tries again until the process has created its socket.
 * @throws MerapiError hypervisor when the process has ended, does not answer within `timeout` ms, or `signal` is aborted; QmpFault
 *   when it breaks the protocol
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

/** How a QEMU process is started. */
export interface Launch {
  /** The instance's name, for messages. */
  name: string;
  program: string;
  /** Returns QEMU's arguments; `serialLog` is the named pipe for the output of the guest's serial console. */
  args(serialLog: string): readonly string[];
  /** The folder of the logs: serial.log with the guest's output, qemu.log with QEMU's own. */
  folder: string;
  /** The path of the monitor's socket. */
  qmp: string;
  handlers: QmpHandlers;
  /** Called when the process exists; launch() waits until it has recorded the process. */
  onProcess(id: ProcessId): Promise<void>;
}

/**
 * Starts QEMU and waits until its monitor answers.
 * @throws MerapiError hypervisor, with QEMU's last output, when it fails; the process may still exist then, and the caller ends it
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
    for (const log of logs) await log.ended(); // until QEMU's last output is in the log, which the message quotes
    throw await startFailure(options, cause);
  } finally {
    await closeLogs(logs);
  }
}

/** The logs of QEMU's own output and of the guest's serial console. */
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

/** The error for a failed start: the last lines of QEMU's output or, if there are none, the cause. */
async function startFailure({ name, folder }: Launch, cause: unknown): Promise<MerapiError> {
  const output = await readLogEnd(join(folder, 'qemu.log'), LOG_TAIL);
  const lines = output.trim().split('\n').slice(-5).join('\n');
  const message = `QEMU could not start instance ${name}: ${lines || errorText(cause)}`;
  return new MerapiError('hypervisor', message, { cause });
}
