import type { Handlers } from '../../rpc/server.ts';
import { copyRaw } from '../storage/raw.ts';
import type { Storage } from '../storage/registry.ts';

type DiskHandlers = Pick<
  Handlers,
  | 'disk.create'
  | 'disk.grow'
  | 'disk.activate'
  | 'disk.deactivate'
  | 'disk.copy'
  | 'disk.remove'
  | 'disk.status'
>;

/** Serves the calls about disks. */
export function diskExecutors(storage: Storage): DiskHandlers {
  return {
    'disk.create': async ({ disk }) => {
      await storage.of(disk).create(disk);
      return {};
    },
    'disk.grow': async ({ disk, size }) => {
      await storage.of(disk).grow(disk, size);
      return {};
    },
    'disk.activate': async ({ disk, primary }) => {
      await storage.of(disk).activate(disk, primary);
      return { path: (await storage.of(disk).status(disk)).path };
    },
    'disk.deactivate': async ({ disk }) => {
      await storage.of(disk).deactivate(disk);
      return {};
    },
    'disk.copy': async ({ from, to }) => {
      const [source, target] = await storage.paths([from, to]);
      if (source !== undefined && target !== undefined) await copyRaw(source, target);
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
