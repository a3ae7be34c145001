import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackgroundParts, unattended } from '../base/background.ts';
import type { Clock } from '../base/clock.ts';
import { Connections, connectionLimits } from '../base/connections.ts';
import { removeInterruptedWrites, writeFileDurably } from '../base/files.ts';
import type { Logger } from '../base/log.ts';
import { closeFolder } from '../base/modes.ts';
import type { TlsFiles } from '../base/tls.ts';
import { endsWithin } from '../base/within.ts';
import type { World } from '../base/world.ts';
import type { HypervisorName } from '../model/hvparams/index.ts';
import { type Handlers, startRpcServer } from '../rpc/server.ts';
import { Streams } from '../rpc/streams.ts';
import { Arrivals } from './backup/arrivals.ts';
import { Dumps } from './backup/dumps.ts';
import { ExportFolder } from './backup/folder.ts';
import { Identities } from './backup/identities.ts';
import { Certificate } from './certificate.ts';
import { backupExecutors } from './executors/backup.ts';
import { callExecutors } from './executors/call.ts';
import { certificateExecutors } from './executors/certificate.ts';
import { diskExecutors } from './executors/disk.ts';
import { hooksExecutors } from './executors/hooks.ts';
import { instanceExecutors } from './executors/instance.ts';
import { migrationExecutors } from './executors/migration.ts';
import { networkExecutors } from './executors/network.ts';
import { nodeExecutors } from './executors/node.ts';
import { osExecutors } from './executors/os.ts';
import { storageExecutors } from './executors/storage.ts';
import { transferExecutors } from './executors/transfer.ts';
import { Facts } from './facts.ts';
import { withFaults } from './faults.ts';
import { isOfNode } from './folder.ts';
import { HookScripts } from './hooks.ts';
import { createHypervisors, type Hypervisors, isSimulated } from './hypervisors/registry.ts';
import { Journal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { createGuestNetwork } from './network/host.ts';
import { OsInstaller } from './os/installer.ts';
import { hostPower, simulatedPower } from './power.ts';
import { type PathMapping, StoragePaths } from './storage/paths.ts';
import { createStorage } from './storage/registry.ts';
import { StorageUnits } from './storage/units.ts';

export interface NodeConfig {
  /** The node's name, which its certificate holds. */
  name: string;
  /** Where the worker keeps all it must remember; no two workers share one. */
  folder: string;
  hypervisors: readonly HypervisorName[];
  /** Port 0 takes any free one; FOLDER/endpoint tells which. */
  listen: { host: string; port: number };
  tls: TlsFiles;
  /** Keeps renewed certificates where the next worker finds them; by default they are forgotten with this one. */
  saveTls?: (files: TlsFiles) => Promise<void>;
  /** Merapi's version, for `node.hello`. */
  version: string;
  /** The folders for disks as the cluster calls them; disks anywhere else are refused. */
  storageRoots: readonly string[];
  /** Where paths of the cluster really are on this node; only simulated nodes need it. */
  paths?: readonly PathMapping[];
  /** What all simulated nodes of this machine share: a folder, for storage that several nodes see, and the time that passes there. */
  common?: { folder: string; clock: Clock };
  /** Whether the worker may reboot its host when it is asked to; by default it may not. */
  powercycle?: boolean;
  /** Takes in the connections from outside, within the limits of the process; by default those of a process with one node. */
  connections?: Connections;
  /** Where the administrator's hooks are; by default FOLDER/hooks. */
  hooks?: string;
  /** How kvm runs its guests; by default it finds out what works. */
  accel?: 'kvm' | 'tcg';
  /** The time and chance of its machine. */
  world: World;
}

export interface NodeWorker {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Ends the worker and leaves its guests alone. Calls under way get no answer and may be repeated to the next worker. */
  stop(): Promise<void>;
}

/** How long stop() waits for what is under way to come to rest, in milliseconds. */
const REST = 3_000;

/**
 * Starts the worker of one node; several may run in one process. While it listens FOLDER/endpoint holds "HOST PORT".
 * @throws MerapiError wrong_state when another worker uses the folder, environment_error when it cannot listen.
 */
export async function startNodeWorker(config: NodeConfig, log: Logger): Promise<NodeWorker> {
  const undo: (() => Promise<unknown>)[] = [];
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= unwind(undo, log);
    return stopped;
  };
  try {
    await mkdir(config.folder, { recursive: true, mode: 0o700 });
    const lock = await lockFolder(config.folder);
    undo.push(() => lock.release());
    const closed = await closeFolder(config.folder, isOfNode);
    if (closed.length > 0)
      log.warn({ closed }, 'others could reach what is in the folder of the node; it is closed now');
    for (const part of ['', 'journal', 'guests', 'network'])
      await removeInterruptedWrites(join(config.folder, part));
    const endpoint = join(config.folder, 'endpoint');
    await rm(endpoint, { force: true }); // of a life that had no time to remove it
    const server = await startParts(config, log, undo);
    undo.push(() => rm(endpoint, { force: true }));
    await writeFileDurably(endpoint, `${server.host} ${server.port}\n`);
    log.info({ node: config.name, host: server.host, port: server.port }, 'the node worker listens');
    return { name: config.name, ...server, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Builds and opens everything that stands on the folder; what is to be undone goes to `undo`. */
async function startParts(
  config: NodeConfig,
  log: Logger,
  undo: (() => Promise<unknown>)[],
): Promise<{ host: string; port: number }> {
  const { name, folder, version, listen, world } = config;
  const { clock } = world;
  const certificate = new Certificate(name, config.tls, config.saveTls ?? (async () => undefined));
  const tls = certificate.current;
  const connections = config.connections ?? new Connections(connectionLimits(), log);
  const paths = new StoragePaths(config.storageRoots, config.paths ?? []);
  const network = createGuestNetwork({ folder: join(folder, 'network') });
  const { accel } = config;
  const hypervisors = createHypervisors(config.hypervisors, { folder, network, log, accel });
  const { simulatesSome, simulatesAll } = hypervisors;
  const own = join(folder, 'volumes');
  const common = config.common ?? { folder: own, clock };
  const places = simulatesSome ? { node: name, own, common: common.folder, clock: common.clock } : null;
  const storage = createStorage(paths, places);
  const installer = new OsInstaller(folder, storage);
  const guests = () => hypervisors.all().flatMap((driver) => driver.guests());
  const hooks = new HookScripts(config.hooks ?? join(folder, 'hooks'), folder);
  const storageFolder = paths.realRoots()[0] ?? null;
  const facts = new Facts({ storageFolder, guests, isSimulated, hooks: () => hooks.present(), ...world });
  const power = simulatesAll
    ? simulatedPower(hypervisors)
    : hostPower({ allowed: config.powercycle ?? false, log });
  const streams = new Streams(log, clock);
  const dumps = new Dumps(storage, installer);
  const identities = new Identities(join(folder, 'identities'), clock);
  const arrivals = new Arrivals(listen.host, log, connections, world);
  undo.push(() => arrivals.closeAll());
  let endpoint: { host: string | null; port: number } = { host: null, port: listen.port };
  const journal = await Journal.open(join(folder, 'journal'), { log, clock });
  undo.push(() => rest(journal, { log, clock }));
  const handlers: Handlers = {
    ...callExecutors(journal),
    ...nodeExecutors({ name, version, hypervisors, storage, facts, power, certificate, clock }),
    ...instanceExecutors({ hypervisors, storage, installer }),
    ...migrationExecutors(hypervisors, storage),
    ...diskExecutors({ storage, hypervisors }, { streams, tls, endpoint: () => endpoint }),
    ...storageExecutors(new StorageUnits(paths, places)),
    ...osExecutors(installer, hypervisors, dumps, tls),
    ...backupExecutors({
      ...{ exports: new ExportFolder(join(folder, 'export')), dumps, streams, tls },
      endpoint: () => endpoint,
    }),
    ...certificateExecutors(identities),
    ...transferExecutors({
      ...{ arrivals, dumps, identities, clock },
      isEverywhere: isUnspecified(listen.host),
    }),
    ...hooksExecutors(hooks),
    ...networkExecutors(simulatesAll ? null : network),
  };
  await openHypervisors(hypervisors, facts, undo);
  const server = await startRpcServer({
    listen,
    tls: tls(),
    handlers: simulatesSome ? withFaults(handlers, folder, clock) : handlers,
    journal,
    facts,
    streams,
    connections,
    log,
    clock,
  });
  certificate.onChange((files) => server.renew(files));
  endpoint = { host: isUnspecified(server.host) ? null : server.host, port: server.port };
  undo.push(() => {
    // First nothing may be stored any more: a failure that comes of the closing is no outcome.
    unattended('closing the call journal', log, () => journal.close());
    return server.close();
  });
  return { host: server.host, port: server.port };
}

const isUnspecified = (host: string) => host === '0.0.0.0' || host === '::';

async function openHypervisors(
  hypervisors: Hypervisors,
  facts: Facts,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  for (const driver of hypervisors.all()) {
    undo.push(() => driver.close());
    await driver.open();
    driver.onChange(() => facts.changed());
  }
}

async function unwind(undo: (() => Promise<unknown>)[], log: Logger): Promise<void> {
  for (const step of undo.reverse())
    await step().catch((error) => log.error({ err: error }, 'cannot end a part of the node worker'));
}

async function rest(journal: Journal, { log, clock }: BackgroundParts): Promise<void> {
  if (!(await endsWithin(journal.close(), REST, clock))) log.warn('calls under way do not come to rest');
}
