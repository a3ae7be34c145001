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

/** What copying disks between nodes needs. */
export interface DiskTransfer {
  streams: Streams;
  /** The certificate for connections to other workers of the cluster. */
  tls: TlsSource;
  /** Where this worker listens; `host` is null when it listens on all addresses. */
  endpoint: () => { host: string | null; port: number };
}

/** Lets a call cancel a copy within the node, and reports its progress. */
const copying = ({ signal, tell }: CallContext): Work => ({
  signal,
  onBytes: (done, total) => tell({ text: 'copying', done, total }),
});

/** The handlers of the calls about disks. Each picks the driver of the disk's template; see StorageDriver for the guarantees. */
export function diskExecutors(
  { storage, hypervisors }: { storage: Storage; hypervisors: Hypervisors },
  { streams, tls, endpoint }: DiskTransfer,
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
      await storage.sources([disk]); // a missing disk fails this call, not the later read by the other node
      streams.offer(disk.uuid, { to, compress, open: () => storage.read(disk) });
      return endpoint();
    },
    'disk.fetch': async ({ disk, from }, { signal, tell }) => {
      await storage.sources([disk]);
      // The size of a compressed stream is not known in advance.
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
