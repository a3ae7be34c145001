import { createReadStream } from 'node:fs';
import type { TlsSource } from '../../base/tls.ts';
import type { Handlers } from '../../rpc/server.ts';
import { readStream, type Streams } from '../../rpc/streams.ts';
import type { Dumps } from '../backup/dumps.ts';
import type { ExportFolder } from '../backup/folder.ts';
import { writeRaw } from '../storage/raw.ts';

type BackupHandlers = Pick<Handlers, Extract<keyof Handlers, `backup.${string}`>>;

interface BackupParts {
  exports: ExportFolder;
  dumps: Dumps;
  streams: Streams;
  /** What this worker shows to others of the cluster. */
  tls: TlsSource;
  /** Where this worker listens; no host where that is all addresses. */
  endpoint: () => { host: string | null; port: number };
}

/** Serves the calls about exports that nodes keep. */
export function backupExecutors({ exports, dumps, streams, tls, endpoint }: BackupParts): BackupHandlers {
  return {
    'backup.list': async () => ({ exports: await exports.list() }),
    'backup.read': ({ path }) => exports.read(path),
    'backup.prepare': async ({ instance_name }) => {
      await exports.prepare(instance_name);
      return {};
    },
    'backup.discard': async ({ instance_name }) => {
      await exports.discard(instance_name);
      return {};
    },
    'backup.offer': async ({ id, to, compress, disk, source, ...params }) => {
      streams.offer(id, { to, compress, open: () => dumps.open(params, disk, source) });
      return endpoint();
    },
    'backup.fetch': async ({ instance_name, file, from }, { signal }) => {
      const path = exports.newFile(instance_name, file);
      let bytes = 0;
      await readStream(from, tls, signal, async (data) => {
        bytes = await writeRaw(path, data);
      });
      return { bytes };
    },
    'backup.finish': async ({ instance_name, config }) => {
      await exports.finish(instance_name, config);
      return {};
    },
    'backup.restore': async ({ path, file, id, to, compress }) => {
      const full = exports.file(path, file);
      const open = async () => createReadStream(full, { highWaterMark: 1 << 20 });
      streams.offer(id, { to, compress, open });
      return endpoint();
    },
    'backup.remove': async ({ instance_name }) => {
      await exports.remove(instance_name);
      return {};
    },
  };
}
