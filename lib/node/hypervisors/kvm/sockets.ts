import { createHash } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MerapiError } from '../../../base/errors.ts';

/** Where a guest's sockets are, as absolute paths. */
export interface GuestSockets {
  folder: string;
  /** QEMU's monitor; the driver holds its only connection. */
  qmp: string;
  /** The guest agent's channel. */
  agent: string;
  /** The serial console; it exists when the guest has one. */
  serial: string;
}

/** The kernel's limit for the path of a unix socket, in bytes, without the closing zero. */
export const LONGEST_SOCKET = 107;

/** Whether a path is short enough for a socket. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= LONGEST_SOCKET;
}

/**
 * The sockets of the guest whose state is in `guestFolder`: in that folder, or where its path is too long for a socket, in
 * a folder with a short path that depends on nothing but it.
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
 * Makes the folder of the sockets, open to nobody else.
 * @throws MerapiError hypervisor when another user owns what is there
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

/** Removes the sockets, and their folder where it is not the guest's own. */
export async function removeSockets(sockets: GuestSockets, guestFolder: string): Promise<void> {
  if (sockets.folder !== guestFolder) await rm(sockets.folder, { recursive: true, force: true });
  else for (const path of [sockets.qmp, sockets.agent, sockets.serial]) await rm(path, { force: true });
}
