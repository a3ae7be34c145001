// Calls about exports. An export is made in a hidden folder (prepare, then one fetch for each disk, then finish) and appears only when it is
// complete. The node with the disks offers a stream that the node of the export fetches; an import takes the opposite way.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { MerapiError } from '../../base/errors.ts';
import type { TlsSource } from '../../base/tls.ts';
import type { Handlers } from '../../rpc/server.ts';
import { readStream, type Streams } from '../../rpc/streams.ts';
import type { Dumps } from '../backup/dumps.ts';
import type { ExportFolder } from '../backup/folder.ts';
import { writeRaw } from '../storage/raw.ts';

type BackupHandlers = Pick<Handlers, Extract<keyof Handlers, `backup.${string}`>>;

interface BackupDependencies {
  exports: ExportFolder;
  dumps: Dumps;
  streams: Streams;
  /** The certificate for connections to other workers of the cluster. */
  tls: TlsSource;
  /** Where this worker listens; `host` is null when it listens on all addresses. */
  endpoint: () => { host: string | null; port: number };
}

/** Bytes per read of an export's file. */
const READ_SIZE = 1 << 20;

/** The handlers of the calls about exports on this node. */
export function backupExecutors(dependencies: BackupDependencies): BackupHandlers {
  const { exports, dumps, streams, tls, endpoint } = dependencies;
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
    'backup.fetch': async ({ instance_name, file, from }, { signal, tell }) => {
      const path = exports.newFile(instance_name, file);
      const hash = createHash('sha256');
      let bytes = 0;
      await readStream(from, tls, { signal, tell, total: null }, async (data) => {
        bytes = await writeRaw(path, hashed(data, hash));
      });
      return { bytes, sha256: hash.digest('hex') };
    },
    'backup.finish': async ({ instance_name, config }) => {
      await exports.finish(instance_name, config);
      return {};
    },
    'backup.restore': async ({ path, file, sha256, id, to, compress }) => {
      const full = exports.file(path, file);
      const open = async () => {
        const data = createReadStream(full, { highWaterMark: READ_SIZE });
        return sha256 === null ? data : Readable.from(verified(data, full, sha256));
      };
      streams.offer(id, { to, compress, open });
      return endpoint();
    },
    'backup.remove': async ({ instance_name }) => {
      await exports.remove(instance_name);
      return {};
    },
  };
}

/** Passes data through and adds it to a hash. */
async function* hashed(data: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of data) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Passes data through. @throws MerapiError execution at the end when its SHA-256 is not the expected one */
async function* verified(data: AsyncIterable<Buffer>, path: string, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  yield* hashed(data, hash);
  if (hash.digest('hex') !== sha256)
    throw new MerapiError(
      'execution',
      `The file ${path} is not what was exported (its SHA-256 differs from that in config.ini); export the instance again`,
    );
}
