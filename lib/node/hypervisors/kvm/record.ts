// The record of a guest, and the states of its life:
//
//   (none)   -> starting   start(): the record is durable before there is a process
//   starting -> running    the process has answered, and executes or is paused as asked; also by another start() after the
//                          worker died in between
//            -> (none)     the start failed, or its process is gone when a worker looks: everything is removed
//   running  -> stopping   stop() was asked for, or the guest shut itself down (by_user)
//            -> ended      the process is gone without either
//   stopping -> stopped    the process is gone, as asked for; only logs are left
//            -> running    the job that asked for it was cancelled before the guest was down
//            -> ended      the process is gone, after the guest shut itself down
//   ended, stopped -> starting   start(); when it fails the state is as before
//                  -> (none)     forget()
//   ended    -> stopped    stop()
//
// A worker that starts compares each record with the process table and moves on from there (Guest in guest.ts).
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readStateFile, type StateFormat, writeStateFile } from '../../../base/state-file.ts';
import { InstanceTarget } from '../../../rpc/types.ts';
import { ProcessId } from './process.ts';

/** What is kept on disk of a guest, so that a later life of the worker knows it. */
export const GuestRecord = z.object({
  /**
   * starting: asked for, perhaps already a process; running: it was up; stopping: its end was asked for, or came from
   * inside, and is under way; ended: it ended by itself; stopped: it was stopped on request, only logs are left.
   */
  phase: z.enum(['starting', 'running', 'stopping', 'ended', 'stopped']),
  /** Whether the end, under way or done, came from inside the guest. */
  by_user: z.boolean(),
  process: ProcessId.nullable(),
  accelerator: z.enum(['kvm', 'tcg']),
  /** The folder of the guest's sockets. */
  sockets: z.string(),
  /** Where the guest's VNC server listens, when that is a port. */
  vnc: z.object({ host: z.string(), port: z.number().int() }).nullable(),
  /** With the devices that came while it ran, and without those that went. */
  instance: InstanceTarget,
  /** The memory (MiB) that it was set to, when that is not what it was started with. */
  memory: z.number().int().optional(),
});
export type GuestRecord = z.infer<typeof GuestRecord>;

export const RECORD = 'runtime.json';

const format: StateFormat<GuestRecord> = {
  what: 'the record of a guest',
  remedy:
    'the guest and its files are left alone: start the Merapi that wrote it, or mend the file; to give the guest up, end its QEMU process and remove the folder of the file',
  version: 1,
  schema: GuestRecord,
};

/** Stores a guest's record so that it survives a crash. */
export async function writeRecord(folder: string, record: GuestRecord): Promise<void> {
  await writeStateFile(join(folder, RECORD), format, record);
}

/**
 * The record in a guest's folder; null when there is none.
 * @throws MerapiError configuration, with the remedy, when there is one that this Merapi does not understand
 */
export function readRecord(folder: string): Promise<GuestRecord | null> {
  return readStateFile(join(folder, RECORD), format);
}

/** Removes a guest's folder with all that is in it. */
export async function removeFolder(folder: string): Promise<void> {
  // The writer of a log may be ending just now, and have created its file again.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
