import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileOrNull, writeFileDurably } from '../../../base/files.ts';
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
  /** The memory (MiB) that it was told to live with, when that is not what it was started with. */
  memory: z.number().int().optional(),
});
export type GuestRecord = z.infer<typeof GuestRecord>;

const NAME = 'runtime.json';

/** Stores a guest's record so that it survives a crash. */
export async function writeRecord(folder: string, record: GuestRecord): Promise<void> {
  await writeFileDurably(join(folder, NAME), `${JSON.stringify(record, null, 1)}\n`, 0o600);
}

/** The record in a guest's folder; null when there is none or it cannot be understood. */
export async function readRecord(folder: string): Promise<GuestRecord | null> {
  const text = await readFileOrNull(join(folder, NAME));
  if (text === null) return null;
  try {
    return GuestRecord.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Removes a guest's folder with all that is in it. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
