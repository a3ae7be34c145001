// `merapi node`: runs the workers of nodes from the settings and certificates in their folders.

import { join, resolve } from 'node:path';
import * as z from 'zod';
import { Connections, connectionLimits } from '../base/connections.ts';
import { MerapiError } from '../base/errors.ts';
import { writeFileDurably } from '../base/files.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { readStateFile, type StateFormat } from '../base/state-file.ts';
import { VERSION } from '../base/version.ts';
import { systemWorld, type World } from '../base/world.ts';
import { hypervisors } from '../model/hvparams/index.ts';
import { type NodeWorker, startNodeWorker } from '../node/worker.ts';
import { nodeTls, saveNodeTls } from './certificates.ts';
import { NODE_SETTINGS } from './layout.ts';
import { outliveFailures } from './uncaught.ts';

/** The settings of a node: FOLDER/node.json. */
export const NodeSettings = z.strictObject({
  name: z.string(),
  hypervisors: z.array(z.enum(hypervisors)).min(1),
  listen: z.strictObject({ host: z.string(), port: z.number().int().min(0).max(65535) }),
  /** The folders for disks, by their paths in the cluster's configuration. */
  storage: z.array(z.string()),
  /** Maps those paths to real ones: simulated nodes on one machine need a folder each. */
  paths: z.array(z.strictObject({ from: z.string(), to: z.string() })).default([]),
  /** Whether the worker may reboot its host when the cluster orders it. */
  powercycle: z.boolean().optional(),
  /** Where the administrator's hooks are; by default the folder `hooks` beside this file. */
  hooks: z.string().optional(),
  /** A folder that the simulated nodes of the machine share; others have none. */
  common: z.string().optional(),
});
export type NodeSettings = z.infer<typeof NodeSettings>;

const format: StateFormat<NodeSettings> = {
  what: 'the settings of a node',
  remedy:
    "correct it (the file of another node shows the format), or restore it from a backup of the master's folder with 'merapi restore'",
  version: 1,
  schema: NodeSettings,
};

/** Writes a node's settings into its folder, indented, because administrators read and change them. */
export function saveNodeSettings(folder: string, settings: NodeSettings): Promise<void> {
  const content = { format: format.version, ...settings };
  return writeFileDurably(join(folder, NODE_SETTINGS), `${JSON.stringify(content, null, 2)}\n`);
}

/** Reads a node's settings. @throws MerapiError configuration */
export async function readNodeSettings(folder: string): Promise<NodeSettings> {
  const file = join(folder, NODE_SETTINGS);
  const settings = await readStateFile(file, format);
  if (settings) return settings;
  throw new MerapiError(
    'configuration',
    `${file} (${format.what}) is missing; --dir must name the folder of a node`,
  );
}

/** Options of the command line that override a node's settings. */
export interface NodeOverrides {
  host?: string;
  port?: number;
  accel?: 'kvm' | 'tcg';
}

/**
 * Starts the workers of these node folders in this process. When one fails to start, the others are stopped again. `worldOf` returns
 * the world of a node, and for null that of the storage that simulated nodes share.
 * @throws MerapiError configuration when settings are missing or invalid
 */
export async function startNodes(
  folders: readonly string[],
  over: NodeOverrides,
  log: Logger,
  worldOf: (node: string | null) => World = () => systemWorld,
): Promise<NodeWorker[]> {
  const workers: NodeWorker[] = [];
  const connections = new Connections(connectionLimits(), log);
  try {
    for (const each of folders) {
      const folder = resolve(each);
      const { listen, storage, common, ...settings } = await readNodeSettings(folder);
      workers.push(
        await startNodeWorker(
          {
            ...settings,
            folder,
            listen: { host: over.host ?? listen.host, port: over.port ?? listen.port },
            tls: await nodeTls(folder),
            saveTls: (files) => saveNodeTls(folder, files),
            version: VERSION,
            storageRoots: storage,
            accel: over.accel,
            connections,
            ...(common === undefined ? {} : { common: { folder: common, clock: worldOf(null).clock } }),
            world: worldOf(settings.name),
          },
          log,
        ),
      );
    }
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.stop()));
    throw error;
  }
  return workers;
}

/** The options of `merapi node`. */
export interface NodeCommand {
  dir: string[];
  bind?: string;
  port?: number;
  accel?: 'kvm' | 'tcg';
}

/** `merapi node`: runs the workers of these nodes until SIGINT or SIGTERM. */
export async function runNode(command: NodeCommand): Promise<void> {
  const over = { host: command.bind, port: command.port, accel: command.accel };
  const log = createLogger('node');
  outliveFailures(log);
  const workers = await startNodes(command.dir, over, log);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.all(workers.map((worker) => worker.stop()));
}
