import { createReadStream } from 'node:fs';
import type { TlsSource } from '../../base/tls.ts';
import type { Handlers } from '../../rpc/server.ts';
import { readStream, type Streams } from '../../rpc/streams.ts';
import { copyRaw, fillRaw, moveRaw } from '../storage/raw.ts';
import type { Storage } from '../storage/registry.ts';

type DiskHandlers = Pick<
  Handlers,
  | 'disk.create'
  | 'disk.grow'
  | 'disk.activate'
  | 'disk.deactivate'
  | 'disk.copy'
  | 'disk.offer'
  | 'disk.fetch'
  | 'disk.remove'
  | 'disk.rename'
  | 'disk.status'
>;

/** How disks get from one node to another. */
export interface DiskWays {
  streams: Streams;
  /** What this worker shows to others. */
  tls: TlsSource;
  /** Where this worker listens; no host where that is all addresses. */
  endpoint: () => { host: string | null; port: number };
}

/** Serves the calls about disks. */
export function diskExecutors(storage: Storage, { streams, tls, endpoint }: DiskWays): DiskHandlers {
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
    'disk.offer': async ({ disk, to, compress }) => {
      const [path = ''] = await storage.paths([disk]);
      streams.offer(disk.uuid, {
        to,
        compress,
        open: async () => createReadStream(path, { highWaterMark: 1 << 20 }),
      });
      return endpoint();
    },
    'disk.fetch': async ({ disk, from }, { signal }) => {
      const [path = ''] = await storage.paths([disk]);
      await readStream(from, tls, signal, (data) => fillRaw(path, disk.size, data));
      return {};
    },
    'disk.rename': async ({ from, to }) => {
      const [source, target] = await Promise.all([from, to].map((disk) => storage.of(disk).status(disk)));
      if (source?.path && target?.path) await moveRaw(source.path, target.path);
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
