import { createHash } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MerapiError } from '../../../base/errors.ts';

/** The absolute paths of a guest's sockets. */
export interface GuestSockets {
  folder: string;
  /** QEMU's monitor, which accepts one connection at a time: the driver's. */
  qmp: string;
  /** The guest agent's channel. */
  agent: string;
  /** The serial console; exists only if the guest has one. */
  serial: string;
}

/** The kernel's limit for the path of a Unix socket, in bytes, without the terminating NUL. */
export const LONGEST_SOCKET = 107;

/** Whether a path is short enough for a socket. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_SOCKET;
}

/**
 * The sockets of the guest whose state is in `guestFolder`: in that folder or, if its path is too long for a socket, in a folder with
 * a short path. That is derived from `guestFolder` alone, so a restarted worker finds the sockets again.
 */
export function socketsOf(guestFolder: string): GuestSockets {
  const own = named(guestFolder);
  if (fitsSocket(own.serial)) return own;
  const hash = createHash('sha256').update(guestFolder).digest('hex').slice(0, 16);
  return named(join(process.getuid?.() === 0 ? '/run/merapi' : join(tmpdir(), 'merapi'), hash));
}

function named(folder: string): GuestSockets {
  return {
    folder,
    qmp: join(folder, 'qmp.sock'),
    agent: join(folder, 'agent.sock'),
    serial: join(folder, 'serial.sock'),
  };
}

/**
 * Creates the folder of the sockets, accessible to this user only. Whoever can write to it could take over the monitor.
 * @throws MerapiError hypervisor when it exists and another user owns it or can write to it
 */
export async function makeSocketFolder(sockets: GuestSockets): Promise<void> {
  await mkdir(sockets.folder, { recursive: true, mode: 0o700 });
  const found = await lstat(sockets.folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
    throw new MerapiError(
      'hypervisor',
      `${sockets.folder} must be a folder that only this worker's user can write to`,
    );
}

/** Removes the sockets, and their folder if that is not the guest's own. */
export async function removeSockets(sockets: GuestSockets, guestFolder: string): Promise<void> {
  if (sockets.folder !== guestFolder) await rm(sockets.folder, { recursive: true, force: true });
  else for (const path of [sockets.qmp, sockets.agent, sockets.serial]) await rm(path, { force: true });
}
