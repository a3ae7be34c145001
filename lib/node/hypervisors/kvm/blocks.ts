import { stat } from 'node:fs/promises';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { DiskSource } from '../../storage/define.ts';
import type { OpenDisk } from '../define.ts';
import { type DiskPlace, diskId } from './devices.ts';
import type { Monitor } from './qmp.ts';

/** The names of QEMU's block nodes for raw data, each with its path. */
export async function blockNodes(monitor: Monitor): Promise<{ name: string; path: string }[]> {
  const nodes = await monitor.execute('query-named-block-nodes', { flat: true });
  return nodes
    .filter(({ drv }) => drv === 'raw')
    .map(({ 'node-name': name = '', file: path }) => ({ name, path }));
}

const MIB = 1024 * 1024;

/** Tells QEMU that a disk has grown. @throws MerapiError hypervisor */
export async function resizeBlock(monitor: Monitor, { disk, source }: OpenDisk): Promise<void> {
  const nodes = await blockNodes(monitor);
  // A guest that an earlier release started may have the disk under another name.
  const node = nodes.find(({ name, path }) => name === diskId(disk) || path === source.path);
  if (!node) throw new MerapiError('hypervisor', `The guest has no disk ${disk.uuid}`);
  await monitor.execute('block_resize', { 'node-name': node.name, size: disk.size * MIB });
}

/** Where a disk is, as QEMU needs it. @throws MerapiError hypervisor when there is nothing at the path */
export async function placeOf({ path, blockdev }: DiskSource): Promise<DiskPlace> {
  if (blockdev) return { blockdev };
  try {
    return { path, block: (await stat(path)).isBlockDevice() };
  } catch (cause) {
    throw new MerapiError('hypervisor', `The disk ${path} cannot be used: ${errorText(cause)}`, { cause });
  }
}
