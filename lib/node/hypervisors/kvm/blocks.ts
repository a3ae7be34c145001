import { z } from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { QmpClient } from './qmp.ts';

const BlockNodes = z.array(z.object({ 'node-name': z.string(), drv: z.string(), file: z.string() }));

/** Tells QEMU that the disk at this path has `size` bytes. @throws MerapiError hypervisor */
export async function resizeBlock(monitor: QmpClient, path: string, size: number): Promise<void> {
  const nodes = BlockNodes.parse(await monitor.execute('query-named-block-nodes', { flat: true }));
  const node = nodes.find(({ drv, file }) => drv === 'raw' && file === path);
  if (!node) throw new MerapiError('hypervisor', `The guest has no disk at ${path}`);
  await monitor.execute('block_resize', { 'node-name': node['node-name'], size });
}
