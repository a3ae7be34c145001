// The record of a guest, FOLDER/guests/UUID/runtime.json, and its states (`phase`):
//
//   (none)   -> starting   start(): the record is durable before the process exists
//   starting -> running    the process has answered, and executes or is paused as requested; also by a repeated start() after the
//                          worker crashed in between
//            -> (none)     the start failed, or a restarted worker finds no process: everything is removed
//   running  -> stopping   stop(), or the guest shut itself down (by_user)
//            -> ended      the process is gone for another reason
//   stopping -> stopped    the process is gone after stop(); only logs are left
//            -> running    the job was canceled before the guest was down
//            -> ended      the process is gone after the guest shut itself down
//   ended, stopped -> starting   start(); a failed start restores the state before
//                  -> (none)     forget()
//   ended    -> stopped    stop()
//
// A worker that starts compares each record with the process table and continues from there (Guest in guest.ts). In phase stopping, a
// process that still runs is not asked again to shut down: the master repeats its call.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readStateFile, type StateFormat, writeStateFile } from '../../../base/state-file.ts';
import { InstanceTarget } from '../../../rpc/types.ts';
import { ProcessId } from './process.ts';

/** The stored state of a guest. */
export const GuestRecord = z.object({
  /** See the table at the head of the file. In phase starting there may or may not be a process yet. */
  phase: z.enum(['starting', 'running', 'stopping', 'ended', 'stopped']),
  /** Of phases stopping and ended: whether the guest shut itself down, from inside. */
  by_user: z.boolean(),
  /** The QEMU process; null when there is none, or it is not known yet. */
  process: ProcessId.nullable(),
  accelerator: z.enum(['kvm', 'tcg']),
  /** The folder of the guest's sockets. */
  sockets: z.string(),
  /** The address of the guest's VNC server; null when it has none or listens on a socket. */
  vnc: z.object({ host: z.string(), port: z.number().int() }).nullable(),
  /** The instance as the guest was started, updated by hotplugged and removed devices. */
  instance: InstanceTarget,
  /** The memory (MiB) that was set while it ran; missing when that never happened. */
  memory: z.number().int().optional(),
});
export type GuestRecord = z.infer<typeof GuestRecord>;

export const RECORD = 'runtime.json';

const format: StateFormat<GuestRecord> = {
  what: 'the record of a guest',
  remedy:
    'the guest and its files are not touched: run the Merapi release that wrote the file, or repair the file; to drop the guest, end its QEMU process and remove the folder of the file',
  version: 1,
  schema: GuestRecord,
};

/** Stores the record of a guest durably. */
export async function writeRecord(folder: string, record: GuestRecord): Promise<void> {
  await writeStateFile(join(folder, RECORD), format, record);
}

/**
 * Reads the record in a guest's folder; null when there is none.
 * @throws MerapiError configuration, with the remedy, when it cannot be read or is of a newer release
 */
export function readRecord(folder: string): Promise<GuestRecord | null> {
  return readStateFile(join(folder, RECORD), format);
}

/** Removes a guest's folder with everything in it. */
export async function removeFolder(folder: string): Promise<void> {
  // Retries are needed because the writer of a log may be about to end, and create its file again meanwhile.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
