import type { Handlers } from '../../rpc/server.ts';
import type { Storage } from '../storage/registry.ts';

type DiskHandlers = Pick<Handlers, 'disk.create' | 'disk.remove' | 'disk.status'>;

/** Serves the calls about disks. */
export function diskExecutors(storage: Storage): DiskHandlers {
  return {
    'disk.create': async ({ disk }) => {
      await storage.of(disk).create(disk);
      return {};
    },
    'disk.remove': async ({ disk }) => {
      await storage.of(disk).remove(disk);
      return {};
    },
    'disk.status': async ({ disks }) => ({
      disks: await Promise.all(disks.map((disk) => storage.of(disk).status(disk))),
    }),
  };
}
