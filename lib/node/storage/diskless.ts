import { MerapiError } from '../../base/errors.ts';
import type { StorageDriver } from './define.ts';

/** The template of instances without disks: there is never anything to do, and nothing can be missing. */
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
    throw new MerapiError(
      'block_device',
      `Disk ${disk.uuid} is of an instance without disks: it has no data`,
    );
  },
};
