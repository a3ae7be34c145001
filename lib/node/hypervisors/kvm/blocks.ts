import { stat } from 'node:fs/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { DiskSource } from '../../storage/define.ts';
import type { OpenDisk } from '../define.ts';
import { type DiskLocation, diskId } from './devices.ts';
import type { Monitor } from './qmp.ts';

/** QEMU's block nodes of format raw, those of disks among them, each with the path of its data. */
export async function blockNodes(monitor: Monitor): Promise<{ name: string; path: string }[]> {
  const nodes = await monitor.execute('query-named-block-nodes', { flat: true });
  return nodes
    .filter(({ drv }) => drv === 'raw')
    .map(({ 'node-name': name = '', file: path }) => ({ name, path }));
}

const MIB = 1024 * 1024;

/** Makes QEMU and the guest see that a disk has grown. @throws MerapiError hypervisor when the guest does not have the disk */
export async function resizeBlock(monitor: Monitor, { disk, source }: OpenDisk): Promise<void> {
  const nodes = await blockNodes(monitor);
  // Guests that an older release started may have the disk under another name.
  const node = nodes.find(({ name, path }) => name === diskId(disk) || path === source.path);
  if (!node) throw new MerapiError('hypervisor', `The guest has no disk ${disk.uuid}`);
  await monitor.execute('block_resize', { 'node-name': node.name, size: disk.size * MIB });
}

/** The location of a disk in the form that QEMU's options need. @throws MerapiError hypervisor when the path does not exist */
export async function locationOf({ path, blockdev }: DiskSource): Promise<DiskLocation> {
  if (blockdev) return { blockdev };
  try {
    return { path, block: (await stat(path)).isBlockDevice() };
  } catch (cause) {
    throw new MerapiError('hypervisor', `The disk ${path} cannot be used: ${errorText(cause)}`, { cause });
  }
}
