import { MerapiError } from '../../base/errors.ts';
import type { StorageDriver } from './define.ts';

/** The driver for instances without disks: every operation succeeds without doing anything, except that nothing can be opened. */
export const disklessStorage: StorageDriver = {
  template: 'diskless',
  simulated: false,
  create: async () => undefined,
  empty: async () => undefined,
  grow: async () => undefined,
  activate: async () => undefined,
  deactivate: async () => undefined,
  remove: async () => undefined,
  status: async () => ({ path: null, exists: true, size: null, active: true, mirror: null }),
  open: async (disk) => {
    throw new MerapiError('block_device', `Disk ${disk.uuid} has the template diskless, so it has no data`);
  },
};
