import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { DiskPlace } from './devices.ts';
import type { QmpClient } from './qmp.ts';

const BlockNodes = z.array(z.object({ 'node-name': z.string(), drv: z.string(), file: z.string() }));

/** The names of QEMU's block nodes for raw data, each with its path. */
export async function blockNodes(monitor: QmpClient): Promise<{ name: string; path: string }[]> {
  const nodes = await monitor.query('query-named-block-nodes', BlockNodes, { flat: true });
  return nodes
    .filter(({ drv }) => drv === 'raw')
    .map(({ 'node-name': name, file: path }) => ({ name, path }));
}

/** Tells QEMU that the disk at this path has `size` bytes. @throws MerapiError hypervisor */
export async function resizeBlock(monitor: QmpClient, path: string, size: number): Promise<void> {
  const node = (await blockNodes(monitor)).find((each) => each.path === path);
  if (!node) throw new MerapiError('hypervisor', `The guest has no disk at ${path}`);
  await monitor.execute('block_resize', { 'node-name': node.name, size });
}

/** Where a disk is, as QEMU needs it. @throws MerapiError hypervisor when there is nothing at the path */
export async function placeOf(path: string): Promise<DiskPlace> {
  try {
    return { path, block: (await stat(path)).isBlockDevice() };
  } catch (cause) {
    throw new MerapiError('hypervisor', `The disk ${path} cannot be used: ${errorText(cause)}`, { cause });
  }
}
