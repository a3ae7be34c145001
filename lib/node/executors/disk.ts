import type { TlsSource } from '../../base/tls.ts';
import type { CallContext, Handlers } from '../../rpc/server.ts';
import { readStream, type Streams } from '../../rpc/streams.ts';
import type { Hypervisors } from '../hypervisors/registry.ts';
import type { Work } from '../storage/define.ts';
import type { Storage } from '../storage/registry.ts';

type DiskHandlers = Pick<
  Handlers,
  | 'disk.check'
  | 'disk.create'
  | 'disk.grow'
  | 'disk.activate'
  | 'disk.deactivate'
  | 'disk.copy'
  | 'disk.snapshot'
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

/** How a copy within the node is watched. */
const copying = ({ signal, tell }: CallContext): Work => ({
  signal,
  onBytes: (done, total) => tell({ text: 'copying', done, total }),
});

/** Serves the calls about disks. */
export function diskExecutors(
  { storage, hypervisors }: { storage: Storage; hypervisors: Hypervisors },
  { streams, tls, endpoint }: DiskWays,
): DiskHandlers {
  return {
    'disk.check': async ({ disks, hypervisor }) => {
      storage.checkFor(disks, hypervisors.isSimulated(hypervisor));
      return {};
    },
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
    'disk.copy': async ({ from, to }, context) => {
      await storage.copy(from, to, copying(context));
      return {};
    },
    'disk.snapshot': async ({ disk, copy }, context) => {
      await storage.snapshot(disk, copy, copying(context));
      return {};
    },
    'disk.offer': async ({ disk, to, compress }) => {
      await storage.sources([disk]); // what is not there is refused now, not when it is read
      streams.offer(disk.uuid, { to, compress, open: () => storage.read(disk) });
      return endpoint();
    },
    'disk.fetch': async ({ disk, from }, { signal, tell }) => {
      await storage.sources([disk]);
      const total = from.compress === 'none' ? disk.size * 1024 * 1024 : null;
      await readStream(from, tls, { signal, tell, total }, (data) => storage.fill(disk, data));
      return {};
    },
    'disk.rename': async ({ from, to }) => {
      await storage.rename(from, to);
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
